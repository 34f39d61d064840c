"""The processes that run a learner's queue: forks of one that has read the learner's file.

``python -m demo_app.judge.host FILE.py:CLASS`` answers "ready", then reads a role a
line, forks a process that plays it, and answers its pid. All end with its standard input.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from demo_app.judge.role import Role, produce, run_job, told
from demo_app.judge.steps import SteppedRedis, Steps

#: Bytes of address space of each process of a learner's.
MEMORY = 2 << 30


def load(target: str) -> Any:
    """The learner's class. Raises what its file raises, and AttributeError without the class."""
    path, _, name = target.rpartition(":")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(Path(path).resolve().parent))
    spec.loader.exec_module(module)
    return getattr(module, name)


def play(role: Role, queue_class: Any) -> None:
    """Be the producer or the worker."""
    os.chdir(role.folder)
    if role.skew:
        _set_clock_ahead(role.skew, sys.modules[queue_class.__module__])
    steps = Steps(role)
    queue = queue_class(SteppedRedis(role, steps))

    def put(job: str) -> None:
        with steps.call("put"):
            queue.put(job)

    if role.jobs:
        produce(role, put)
    else:
        work(role, queue, steps)


def work(role: Role, queue: Any, steps: Steps) -> None:
    """Claim, run and acknowledge, again and again."""

    def call(method: str, *arguments: str) -> Any:
        try:
            with steps.call(method):
                answer = getattr(queue, method)(role.who, *arguments)
            if method != "claim" or isinstance(answer, str | None):
                return answer
            kind = type(answer).__name__
            role.log("error", method=method, error=repr(answer)[:100], type=kind)
        except Exception as error:  # a worker outlives it, and tries again
            role.log("error", method=method, error=told(error))
        time.sleep(0.1)  # not all the time
        return None

    if hasattr(queue, "beat"):
        call("beat")
        _every(0.5, lambda: call("beat"))
    if hasattr(queue, "rescue") and role.rescues:
        _every(1.0, lambda: call("rescue"))
    role.log("works")
    if not role.claims:
        signal.pause()
    while True:
        job = call("claim")
        if job is None:
            time.sleep(0.02)  # a claim that does not wait
            continue
        message_id = queue.message_id(job) if hasattr(queue, "message_id") else uuid.uuid4().hex
        run_job(role, job, str(message_id))
        call("ack", job)


def _every(seconds: float, act: Callable[[], object]) -> None:
    def repeat() -> None:
        while True:
            act()
            time.sleep(seconds)

    threading.Thread(target=repeat, daemon=True).start()


def _set_clock_ahead(seconds: float, module: Any) -> None:
    real = time.time
    time.time = lambda: real() + seconds
    if getattr(module, "time", None) is real:
        module.time = time.time


def main() -> None:
    """See the module."""
    with suppress(ValueError, OSError):  # macOS has not all limits
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    queue_class = load(sys.argv[1])
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what the learner prints goes to the log
    print("ready", file=answers)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(0)
            answers.close()
            role = Role.from_json(line)
            try:
                play(role, queue_class)
            except BaseException as error:  # a fork never goes on with this loop
                role.log("crashed", error=told(error))
            os._exit(1)
        print(pid, file=answers)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
