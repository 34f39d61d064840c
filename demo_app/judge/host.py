"""The processes that run a learner's queue: forks of a process that has loaded the learner's file.

``python -P -m demo_app.judge.host FILE.py:CLASS FOLDER`` runs in FOLDER, and first writes a line of
JSON about the class. Then each line of standard input describes a role. For each line, the process
forks itself to run the role, and writes the pid of the fork. When standard input is closed, all
processes end.
"""

import json
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from demo_app.judge.role import Role, describe, produce, run_job, sleep
from demo_app.judge.steps import RedisInSteps, Steps, step_files


def load(file: Path, source: bytes, name: str) -> Any:
    module = sys.modules[file.stem] = ModuleType(file.stem)
    module.__file__ = str(file)
    # append the folder: a redis.py in it must not shadow the package redis
    sys.path.append(str(file.parent))
    exec(compile(source, str(file), "exec"), module.__dict__)
    return getattr(module, name)


def run_role(role: Role, queue_class: Any, steps: Steps) -> None:
    os.chdir(role.files)
    steps.role = role
    queue = queue_class(RedisInSteps(steps))

    def put(job: str) -> None:
        with steps.call("put"):
            queue.put(job)

    if role.jobs:
        produce(role, put)
    for job in role.locates:
        place = queue.where(job)
        role.request("located", job=job, place=None if place is None else str(place)[:200])
    if not role.locates:
        work(role, queue, steps)


def work(role: Role, queue: Any, steps: Steps) -> None:
    def call(method: str, *arguments: str) -> Any:
        try:
            with steps.call(method):
                answer = getattr(queue, method)(role.who, *arguments)
            if method != "claim" or isinstance(answer, str | None):
                return answer
            kind = type(answer).__name__
            role.log("error", method=method, error=repr(answer)[:100], type=kind)
        except Exception as error:
            role.log("error", method=method, error=describe(error))
        time.sleep(0.1)  # do not retry at full speed
        return None

    if hasattr(queue, "beat"):
        call("beat")
        _every(role, 0.5, lambda: call("beat"))
    if hasattr(queue, "rescue"):
        _every(role, 1.0, lambda: call("rescue"))
    role.log("works")
    if not role.claims:
        role.request("rescues")
    while True:
        job = call("claim")
        if job is None:
            time.sleep(0.02)  # avoid a busy loop if `claim` does not block
            continue
        message_id = queue.message_id(job) if hasattr(queue, "message_id") else uuid.uuid4().hex
        run_job(role, job, str(message_id))
        call("ack", job)


def _every(role: Role, seconds: float, act: Callable[[], object]) -> None:
    def repeat() -> None:
        with suppress(OSError, EOFError):  # the trial is over
            while True:
                act()
                sleep(role, seconds)

    threading.Thread(target=repeat, daemon=True).start()


def main() -> None:
    path, _, name = sys.argv[1].rpartition(":")
    file = Path(path)
    source = file.read_bytes()
    os.chdir(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # output of the learner's file goes to the log
    steps = Steps(Role("", "", ""))
    step_files(steps)
    queue_class = load(file, source, name)
    for silent in (1, 2):  # from here on, discard all output: nobody reads it
        os.dup2(os.open(os.devnull, os.O_WRONLY), silent)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # ended forks do not become zombies
    print(json.dumps({"where": hasattr(queue_class, "where")}), file=answers)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(0)
            answers.close()
            with suppress(OSError, EOFError):  # the trial is over
                role = Role(**json.loads(line))
                try:
                    run_role(role, queue_class, steps)
                except BaseException as error:  # a fork must not continue this loop
                    role.log("crashed", error=describe(error))
            os._exit(1)
        print(pid, file=answers)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
