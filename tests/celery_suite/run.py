"""One run of a project's tests on one transport, with a separate Redis server."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from servers import server

from celery_suite.outside import REPOSITORY, signal_group
from demo_app.rig.polling import poll

CACHE = REPOSITORY / "build" / "celery-suite"  #: downloads and results

#: Files of Celery's t/integration that do not test a broker on Redis, and what they need.
CELERY_LEFT_OUT = {
    "test_backend.py": "an Azure store",
    "test_backend_leak_in_fixture_teardown.py": "its workers use the memory transport",
    "test_cache_backend.py": "memcached",
    "test_database_backend.py": "SQLAlchemy",
    "test_request_backend_down.py": "the memory transport",
}


@dataclass(frozen=True)
class Ended:
    test: str
    outcome: str  #: passed, failed or skipped
    seconds: float
    why: str


def environment(
    transport: str, project: str, port: int, record: Path, plugins: Path
) -> dict[str, str]:
    """Return the tests' environment, with Redis's address and the transport.

    In kombu's tests, ``redis://`` URLs mean this transport.
    """
    paths = [str(Path(__file__).parent / "inside"), str(plugins), str(REPOSITORY)]
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
) -> dict[str, Ended]:
    """Run the tests, and print each failure. Return the result of each test by its name.

    Args:
        folder: contains the project's tests.
        log: receives pytest's output.
        seconds: time limit of the run; a test without a result had not ended by then.
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
        env = environment(transport, project, redis.port, record, plugins)
        tester = subprocess.Popen(
            command, cwd=folder, env=env, stdout=output, stderr=output, start_new_session=True
        )
        try:
            for _ in poll(seconds):
                running = tester.poll() is None
                for line in lines:
                    one = Ended(**json.loads(line))
                    # an error in the teardown replaces the result "passed"
                    results[one.test] = one
                    if one.outcome == "failed":
                        print(f"{project} on {transport}: {one.test}", file=sys.stderr, flush=True)
                if not running:
                    break
        finally:
            signal_group(tester, signal.SIGKILL)  # its workers are in the same group
            tester.wait()
    return results
