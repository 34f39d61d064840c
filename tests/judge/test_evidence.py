"""The judge believes what it saw itself: a queue can't lie to it, nor reach what is not its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import tracemalloc
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest
from judge.broken import solution
from support import run_python, until

from demo_app.judge.arena import Arena
from demo_app.judge.hearing import Hearing
from demo_app.judge.isolation import counts_by_namespace
from demo_app.judge.judge import Judge, Verdict
from demo_app.judge.plan import Plan
from demo_app.judge.record import Record
from demo_app.judge.role import Role
from demo_app.judge.target import CannotJudge
from demo_app.judge.targets import target_of

pytestmark = pytest.mark.timeout(300)

FORGER = """
import json, os, socket, time
from pathlib import Path

class MyQueue:
    def __init__(self, redis):
        pass

    def put(self, job):
        Path(job).touch()

    def claim(self, worker):
        for path in Path(".").iterdir():
            path.unlink(missing_ok=True)
            for event in EVENTS:
                line = socket.socket(socket.AF_UNIX)
                line.connect(f"../../{Path.cwd().name}/events.sock")
                told = {"at": time.monotonic(), "who": worker, "event": event, "job": path.name,
                        "message_id": path.name, "on": worker, "answer": True}
                line.sendall(json.dumps(told).encode() + b"\\n")

    def ack(self, worker, job):
        pass
"""
SQLITE = """
import sqlite3, time

class MyQueue:
    def __init__(self, redis):
        self.db = sqlite3.connect("queue.db", 10, isolation_level=None, check_same_thread=False)
        self.db.execute("CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, job, worker)")

    def put(self, job):
        self.db.execute("INSERT INTO jobs (job) VALUES (?)", (job,))

    def claim(self, worker):
        {claim}

    def ack(self, worker, job):
        self.db.execute("DELETE FROM jobs WHERE worker = ?", (worker,))
"""
TWO_STEPS = """
        found = self.db.execute("SELECT id, job FROM jobs WHERE worker IS NULL").fetchone()
        if found is not None:
            self.db.execute("UPDATE jobs SET worker = ? WHERE id = ?", (worker, found[0]))
            return found[1]
"""
WHERE = """
    def where(self, job):
        return self.db.execute("SELECT 'the table' FROM jobs WHERE job = ?", (job,)).fetchone()
"""


def judged(path: Path, text: str, *levels: int) -> list[Verdict]:
    path.write_text(text, "utf-8")
    with Judge(target_of(f"{path}:MyQueue"), seconds=0.0, patience=6.0) as judge:
        return list(judge.judge(levels))


@pytest.mark.parametrize("events", ["begin end", "seen begin end"])
def test_a_queue_that_says_what_was_not_is_not_believed(tmp_path: Path, events: str) -> None:
    forger = f"EVENTS = {events.split()}\n{FORGER}"
    verdicts = judged(tmp_path / "forger.py", forger, 1, 6)
    assert not any(verdict.held for verdict in verdicts)
    assert "the judge can't see where it came from" in verdicts[-1].why


def test_a_process_speaks_for_itself_only_and_not_of_the_future_or_the_time_before(
    tmp_path: Path,
) -> None:
    began, mine = time.monotonic(), os.getpid()
    log = Hearing(tmp_path / "events.sock",
                  lambda pid, who: who if (pid, who) == (mine, "w1") else None,
                  lambda who, event: {})  # fmt: skip
    Role("w1", str(tmp_path), "").ask("hello", at=0)
    Role("w1", str(tmp_path), "").ask("works", at=1e12)
    with pytest.raises(EOFError):
        Role("w2", str(tmp_path), "").ask("end", job="job-1", message_id="x")
    stranger = f"""
from demo_app.judge.role import Role
Role("w1", {str(tmp_path)!r}, "").ask("end", job="job-1", message_id="x")
"""
    run_python("-c", stranger)
    log.close()
    assert [event["event"] for event in log.events] == ["hello", "works", "stranger", "stranger"]
    assert began <= log.events[0]["at"] <= log.events[1]["at"] < log.events[2]["at"]


def test_a_run_that_is_said_to_be_earlier_than_its_job_came_is_not_believed() -> None:
    came = {"at": 2.0, "who": "cable", "event": "seen", "on": "w1", "job": "a", "answer": True}
    begins = [{"at": at, "who": "w1", "event": "begin", "job": "a"} for at in (1.0, 3.0)]
    assert [Record([came, begin]).unproved for begin in begins] == [["a"], []]


@pytest.mark.parametrize(
    ("error", "least", "most"), [("x" * 4_000_000, 1, 70e6), ([["more", "in", "memory"]], 0, 0)]
)
def test_who_speaks_without_end_or_no_text_is_not_listened_to(
    tmp_path: Path, error: object, least: int, most: float
) -> None:
    log = Hearing(tmp_path / "events.sock", lambda pid, who: who, lambda who, event: {})
    with suppress(OSError, EOFError):  # it hangs up
        for _ in range(30):
            Role(tmp_path.name, str(tmp_path), "").ask("error", error=error)
    log.close()
    assert least <= sum(len(event["error"]) for event in log.events) <= most


LIAR = """
import json, sys

frame = sys._getframe()
while "answers" not in frame.f_locals:
    frame = frame.f_back
print(json.dumps({{"open_to": "a lie", "where": False}}), file=frame.f_locals["answers"])
print({pid}, file=frame.f_locals["answers"])

class MyQueue:
    pass
"""


def test_what_a_hand_in_answers_for_its_host_ends_no_other_process(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        (tmp_path / "liar.py").write_text(LIAR.format(pid=other.pid))
        with closing(target_of(f"{tmp_path}/liar.py:MyQueue")) as target:
            assert target.open_to != "a lie"
            target.start(Role("w1", str(tmp_path), "")).send(signal.SIGKILL)
            with pytest.raises(subprocess.TimeoutExpired):
                other.wait(0.5)
        other.kill()


LOUD = """
import os, threading

def shout():
    for _ in range(1_000):
        os.write(2, b"x" * 65_536)
    os._exit(0)

threading.Thread(target=shout).start()

class MyQueue:
    pass
"""


def test_a_hand_in_that_prints_without_end_fills_no_memory(tmp_path: Path) -> None:
    (tmp_path / "loud.py").write_text(LOUD)
    tracemalloc.start()
    with closing(target_of(f"{tmp_path}/loud.py:MyQueue")):
        until(lambda: not any(map(_is_a_host, psutil.Process().children())), 60.0, "its end")
        assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()


def _is_a_host(process: psutil.Process) -> bool:
    alive = process.status() != psutil.STATUS_ZOMBIE
    return alive and "demo_app.judge.host" in process.cmdline()


def test_a_queue_in_sqlite_is_halted_between_its_statements(tmp_path: Path) -> None:
    (broken,) = judged(tmp_path / "seen.py", SQLITE.replace("{claim}", TWO_STEPS) + WHERE, 4)
    assert broken.held is False
    assert "SELECT" in str(broken.as_json()["history"])


@pytest.mark.thorough
def test_a_queue_that_does_not_say_where_a_job_is_is_not_judged(tmp_path: Path) -> None:
    (unseen,) = judged(tmp_path / "unseen.py", SQLITE.replace("{claim}", TWO_STEPS), 1)
    assert unseen.held is None
    assert "where(job)" in unseen.why


def test_where_the_machine_can_a_queue_is_shut_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "mine")
    secrets = [f"{folder}/judge-secret-{os.getpid()}" for folder in ("/tmp", "/var/tmp")]
    for secret in secrets:
        Path(secret).write_text("mine")
    port = socket.create_server(("127.0.0.1", 0))
    folders = (os.environ.get("XDG_RUNTIME_DIR", "/run"), tempfile.gettempdir())
    desktop = tempfile.mkdtemp(dir=next(one for one in folders if os.access(one, os.W_OK)))
    bus = socket.socket(socket.AF_UNIX)
    bus.bind(f"{desktop}/bus")  # as of a user's systemd, which starts what it is asked to
    bus.listen()
    terminal = os.ttyname(os.openpty()[1])
    for path in (desktop, f"{desktop}/bus", terminal):
        os.chmod(path, 0o777)
    tries = f"""
import os, socket
from pathlib import Path

def reached(act):
    try:
        act()
    except OSError:
        return False
    return True

tries = dict(
    others=reached(lambda: os.kill({os.getpid()}, 0)),
    secret=any(reached(Path(path).read_text) for path in {secrets}),
    tree=reached(Path({str(Path(__file__).parent)!r}, "x").mkdir),
    bus=reached(lambda: socket.socket(socket.AF_UNIX).connect({f"{desktop}/bus"!r})),
    terminal=reached(lambda: open({terminal!r}, "w")),
    network=reached(lambda: socket.create_connection({port.getsockname()!r}, 5)),
    parent=reached(lambda: os.kill(os.getpid(), 9)),
    trials=reached(lambda: os.rename("../files", "../gone")),
    trial=reached(lambda: Path("../mine").mkdir(exist_ok=True)),
    own=reached(lambda: Path("mine").mkdir(exist_ok=True)),
    checkout=reached(Path({str(Path(__file__).parents[2] / "pyproject.toml")!r}).read_text),
    variable="A_SECRET" in os.environ,
    device=reached(lambda: open("/dev/zero")),
    nothing=reached(lambda: open("/dev/null", "w")),
)
raise RuntimeError(sorted(name for name, got in tries.items() if got))
"""
    (tmp_path / "mine.py").write_text(tries)
    with pytest.raises(CannotJudge) as told:
        target_of(f"{tmp_path}/mine.py:MyQueue")
    (tmp_path / "mine.py").write_text("class MyQueue:\n    pass\n")
    target = target_of(f"{tmp_path}/mine.py:MyQueue")
    target.close()
    for secret in secrets:
        os.unlink(secret)
    port.close()
    bus.close()
    shutil.rmtree(desktop)
    if target.open_to:
        pytest.skip(f"this machine can't: {target.open_to}")
    reached = "RuntimeError: ['nothing', 'own', 'parent']"
    assert reached in str(told.value), "the first process can't be killed"


def test_who_is_not_root_is_shut_in_too() -> None:
    nobody = {"user": 5000, "group": 5000, "extra_groups": []} if os.getuid() == 0 else {}
    probe = ["unshare", "-Urm", "mount", "-t", "tmpfs", "none", "/tmp"]
    if subprocess.run(probe, cwd="/", **nobody, check=False).returncode:  # type: ignore[call-overload]
        pytest.skip("this machine gives no namespaces to who is not root")
    with tempfile.TemporaryDirectory(prefix="judge-") as folder:
        script = f"""
import ctypes, os, signal
from pathlib import Path
from demo_app.judge.isolation import limit, shut_in
trials, mine = Path({folder!r}), Path({folder!r}, "mine.py")
mine.touch()
work = trials / "files"
work.mkdir()
if os.getuid() == 0:
    os.chown(trials, 5000, 5000)  # the file in it stays root's
    os.chown(work, 5000, 5000)
    os.setgroups([])
    os.setresgid(5000, 5000, 5000)
    os.setresuid(5000, 5000, 5000)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: /proc/self is its own again
null = Path("/dev/null")
print(shut_in(work, [Path("/usr"), null, trials], os.getuid(), mine))
paths = ({str(Path.cwd())!r}, trials, work, null, "/dev/zero")
print(os.getpid(), [os.access(path, os.W_OK) for path in paths])
limit(alone=True)
started = 0
try:
    while started < 1_000:
        if os.fork() == 0:
            signal.pause()
        started += 1
except BlockingIOError:
    print("no more")
"""
        told = run_python("-c", script)
    bound = "no more\n" * counts_by_namespace()
    assert told.stdout == f"\n1 [False, False, True, True, False]\n{bound}", told.stderr


def test_each_server_and_each_cable_is_out_of_the_reach_of_other_users() -> None:
    with (
        closing(target_of(f"{solution(12)}:MyQueue")) as target,
        Arena(target, Plan(1), threading.Event()) as arena,
    ):
        part = arena.worker()
        until(lambda: arena.happened(part.who, "works"), 60.0, "a worker")
        ports = [
            connection.laddr
            for process in (psutil.Process(), *psutil.Process().children(recursive=True))
            for connection in process.net_connections("inet")
            if connection.status == psutil.CONN_LISTEN
        ]
        assert ports == []
        assert arena.folder.parent.stat().st_mode & 0o007 == 0


def test_a_programs_server_wants_a_password() -> None:
    with (
        closing(target_of("command:sleep 60")) as target,
        Arena(target, Plan(1), threading.Event()) as arena,
    ):
        part = arena.worker()
        found = re.fullmatch(r"redis://:(\w{32})@127.0.0.1:(\d+)/0", part.role.url)
        assert found
        with socket.create_connection(("127.0.0.1", int(found[2])), 20) as stranger:
            stranger.sendall(b"PING\r\n")
            assert stranger.recv(100).startswith(b"-NOAUTH")
