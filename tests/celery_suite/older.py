"""``make older-celery``: the broker on the oldest Celery and kombu that pyproject.toml allows.

They are installed beside those in .venv, and a part of the broker's tests runs with them: the
canary, which names what moved in kombu, and a whole app with its workers.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from celery_suite.run import REPOSITORY
from celery_suite.sources import pip

TESTS = [f"tests/broker/test_{name}.py" for name in ("transport", "any_app", "any_app_control")]
#: Of these, the ones that are about what a new version of Celery could move.
CHOSEN = (
    "transport or killed_worker or brings or countdown or sigterm or retry or revoke or purge"
    " or cold or not_yet_begun"
)


def oldest(project: str) -> str:
    """The lowest minor version of a dependency, as in ``celery==5.6.*``."""
    listed = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
    (minor,) = (found[1] for one in listed if (found := re.match(rf"{project}>=(\d+\.\d+)", one)))
    return f"{project}=={minor}.*"


def install(folder: Path) -> None:
    """Put them into the folder, and nothing else. Raises NoSources."""
    wanted = [oldest("celery"), oldest("kombu")]
    pip("install", "--no-deps", "--upgrade", "--target", str(folder), *wanted)


def main() -> int:
    """Install and test; returns the exit status of pytest."""
    folder = REPOSITORY / "build" / "older-celery"
    install(folder)
    found = {one.name: one.version for one in distributions(path=[str(folder)])}
    print("The broker on", *(f"{name} {found[name]}" for name in ("celery", "kombu")), flush=True)
    paths = [str(folder), str(REPOSITORY), str(REPOSITORY / "tests")]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "3", "-k", CHOSEN, *TESTS],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
