"""The sources of the tests: source distributions of Celery and kombu, in the installed versions."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

#: Plugins that only the two projects' tests need. They are not installed into .venv.
PYTEST_PLUGINS = ["pytest-rerunfailures==16.7"]


class NoSources(Exception):
    """Raised if the source distributions are not available; the message has the reason."""


def pip(*arguments: str) -> None:
    """Run pip. Raises NoSources, with the end of pip's output, if pip fails."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NoSources(f"{' '.join(command)}\n{(done.stdout + done.stderr)[-1500:]}")


def tests_of(project: str, cache: Path) -> Path:
    """Return the folder with the tests of ``project`` in the installed version.

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
    """Return the folder with the pytest plugins that the tests need. Raises NoSources."""
    folder = cache / "plugins"
    if not folder.is_dir():
        pip("install", "--no-deps", "--target", str(folder), *PYTEST_PLUGINS)
    return folder
