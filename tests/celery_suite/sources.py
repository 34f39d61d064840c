"""Where the tests come from: the source distributions of Celery and kombu, at our versions."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

#: What the two projects' tests need beyond what ours need; installed beside them, not into .venv.
PYTEST_PLUGINS = ["pytest-rerunfailures==16.7"]


class NoSources(Exception):
    """The source distributions could not be had; the message says why."""


def pip(*arguments: str) -> None:
    """Run pip.

    Raises NoSources with its last words when it fails.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NoSources(f"{' '.join(command)}\n{(done.stdout + done.stderr)[-1500:]}")


def tests_of(project: str, cache: Path) -> Path:
    """The folder with the tests of ``project`` at the version installed here.

    Only the tests are unpacked: the project itself is the installed one. Raises NoSources.
    """
    name = f"{project}-{version(project)}"
    folder = cache / name
    if not (folder / "t" / "integration").is_dir():
        archive = cache / f"{name}.tar.gz"
        if not archive.exists():
            requirement = f"{project}=={version(project)}"
            pip("download", "--no-deps", "--no-binary", project, "--dest", str(cache), requirement)
        with tarfile.open(archive) as tar:
            parts = (f"{name}/t/", f"{name}/pyproject.toml", f"{name}/setup.cfg")
            members = [one for one in tar.getmembers() if one.name.startswith(parts)]
            tar.extractall(cache, members=members, filter="data")
    return folder


def plugins(cache: Path) -> Path:
    """The folder with the pytest plugins that the tests need. Raises NoSources."""
    folder = cache / "plugins"
    if not folder.is_dir():
        pip("install", "--no-deps", "--target", str(folder), *PYTEST_PLUGINS)
    return folder
