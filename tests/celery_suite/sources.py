"""The sources of the tests: source distributions of Celery and kombu, in the installed versions."""

import tarfile
from importlib.metadata import version
from pathlib import Path

from support import run_python

#: Plugins that only the two projects' tests need. They are not installed into .venv.
PYTEST_PLUGINS = ["pytest-rerunfailures==16.7"]


class NoSources(Exception):
    """Raised if pip can't get a source distribution or a package; the message has pip's output."""


def pip(*arguments: str) -> None:
    """Run pip. Raises NoSources, with the end of pip's output, if pip fails."""
    done = run_python("-m", "pip", "--disable-pip-version-check", *arguments)
    if done.returncode:
        raise NoSources(f"{' '.join(done.args)}\n{(done.stdout + done.stderr)[-1500:]}")


def tests_of(project: str, cache: Path) -> Path:
    """Download the tests of ``project`` in the installed version, if missing. Return their folder.

    Only the tests are unpacked: they use the installed package. Raises NoSources.
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
    """Install the tests' pytest plugins, if missing. Return their folder. Raises NoSources."""
    folder = cache / "plugins"
    if not folder.is_dir():
        pip("install", "--no-deps", "--target", str(folder), *PYTEST_PLUGINS)
    return folder
