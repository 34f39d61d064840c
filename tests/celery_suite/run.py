"""One run of a project's tests on one transport, against a Redis server of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from servers import server

from celery_suite.outside import REPOSITORY, signal_group
from demo_app.rig.polling import poll

HERE = Path(__file__).parent
CACHE = REPOSITORY / "build" / "celery-suite"  #: what was downloaded, and what came of the runs

#: Files of Celery's t/integration that do not try a broker on Redis, and what they want.
CELERY_LEFT_OUT = {
    "test_backend.py": "an Azure store",
    "test_backend_leak_in_fixture_teardown.py": "its workers use the memory transport",
    "test_cache_backend.py": "memcached",
    "test_database_backend.py": "SQLAlchemy",
    "test_request_backend_down.py": "the memory transport",
}


@dataclass(frozen=True)
class Ended:
    """How one test ended."""

    test: str
    outcome: str  #: passed, failed or skipped
    seconds: float
    why: str


def keep(name: str, lines: list[str]) -> None:
    """Print what came of a run, and keep it for the page."""
    text = "\n".join(lines)
    print(text)
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / f"{name}.txt").write_text(text)


def environment(
    transport: str, project: str, port: int, record: Path, plugins: Path
) -> dict[str, str]:
    """The environment variables of the tests: where Redis is, and what ``redis`` means."""
    paths = [str(HERE / "inside"), str(plugins), str(REPOSITORY)]
    scheme = "claims+redis" if transport == "claims" else "redis"
    settings = {
        "PYTHONPATH": os.pathsep.join(paths),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "CELERY_SUITE_TRANSPORT": transport,
        "CELERY_SUITE_RECORD": str(record),
        "TEST_BROKER": f"{scheme}://127.0.0.1:{port}/0",
        "TEST_BACKEND": f"redis://127.0.0.1:{port}/1",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(port),
        "REDIS_6379_TCP": str(port),
    }
    if project == "kombu":
        settings["CELERY_SUITE_REPLACE_REDIS"] = "1"
    return {**os.environ, **settings}


def selection(project: str, folder: Path) -> list[str]:
    """The test files of the project that need only Redis."""
    tests = folder / "t" / "integration"
    if project == "kombu":
        return sorted(f"t/integration/{file.name}" for file in tests.glob("test_redis*.py"))
    files = sorted(file.name for file in tests.glob("test_*.py"))
    return [f"t/integration/{name}" for name in files if name not in CELERY_LEFT_OUT]


def run(
    project: str,
    folder: Path,
    transport: str,
    tests: list[str],
    plugins: Path,
    log: Path,
    seconds: float,
    ended: Callable[[Ended], None],
) -> dict[str, Ended]:
    """Run the tests; returns how each ended, by its name, and calls ``ended`` as each does.

    ``folder`` holds the project's tests, ``log`` takes what pytest says. After ``seconds`` the run
    is cut off; a test without an entry did not end.
    """
    results: dict[str, Ended] = {}
    record = log.with_suffix(".jsonl")
    record.write_text("")
    command = [sys.executable, "-m", "pytest", "-p", "celery_suite_record", "-p", "no:randomly"]
    command += ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:mail_sink"]
    command += ["-o", "xfail_strict=false", "-o", "addopts=", "-v", *tests]
    command += ["-o", "python_classes=test_*"]
    if project == "celery":
        command += ["-p", "celery.contrib.pytest"]
    with server(persistence=False) as redis, log.open("w") as output, record.open() as lines:
        tester = subprocess.Popen(
            command,
            cwd=folder,
            env=environment(transport, project, redis.port, record, plugins),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            for _ in poll(seconds):
                running = tester.poll() is None
                for line in lines:
                    one = Ended(**json.loads(line))
                    # a test that passed and then could not be torn down did not pass
                    results[one.test] = one
                    ended(one)
                if not running:
                    break
        finally:
            signal_group(tester, signal.SIGKILL)  # every worker that it started is in its group
            tester.wait()
    return results
