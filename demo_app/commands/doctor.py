"""``doctor``: check this machine, one line a check, and a way out for each that fails."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from demo_app.stack import StackError, preflight
from demo_app.stack.redis_server import binary


class Failed(Exception):
    """A check that failed; says what to do."""


def doctor() -> int:
    """Check this machine: one line a check, and what to do about each that fails."""
    failed = 0
    for name, found, well in results():
        failed += not well
        print(f"{'ok  ' if well else 'FAIL'}  {name}: {found}")
    return 1 if failed else 0


def results() -> Iterator[tuple[str, str, bool]]:
    """Each check's name, what it found, and whether that is well."""
    for name, check in _CHECKS.items():
        try:
            yield name, check(), True
        except (Failed, StackError, OSError) as error:
            yield name, str(error), False


#: The first releases without CVE-2024-7592 (a cookie that takes seconds to read) and CVE-2024-6923
#: (a header of a mail that becomes two). Python 3.13 never had them.
_MENDED = {(3, 11): (3, 11, 10), (3, 12): (3, 12, 6)}


def _python() -> str:
    # an older one gets no further than the Makefile, which says so
    version, now = sys.version.split()[0], sys.version_info[:3]
    mended = _MENDED.get(now[:2], now)
    if now >= mended:
        return version
    return (
        f"{version}. Warning: it has known holes in its cookies and mails (CVE-2024-7592, "
        f"CVE-2024-6923); this project avoids them, your own programs may not. They are mended "
        f"in {'.'.join(map(str, mended))}"
    )


def _packages() -> str:
    missing = []
    for name in ("celery", "redis", "fastapi", "uvicorn", "matplotlib", "rich"):
        try:
            import_module(name)
        except ImportError:
            missing.append(name)
    if missing:
        raise Failed(f"missing: {', '.join(missing)}; run `make demo`, which installs them")
    return "all there"


def _redis() -> str:
    server = binary()
    shown = subprocess.run([server, "--version"], capture_output=True, text=True, check=False)
    if shown.returncode:
        raise Failed(f"{server} does not run; install redis-server, or use --redis-url")
    return " ".join(shown.stdout.split()[:3])


def _external_redis() -> str:
    url = os.environ.get("DEMO_REDIS_URL")
    if not url:
        return "none is set: `up` brings its own"
    return " ".join(preflight.check(url)) or f"{preflight.masked(url)} can keep the queue"


def _ports() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"can listen on 127.0.0.1, such as on port {probe.getsockname()[1]}"


def _folder() -> str:
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(str(Path(folder) / "probe.sock"))
        free = shutil.disk_usage(folder).free // 2**20
    if free < 200:
        raise Failed(f"only {free} MB free in {tempfile.gettempdir()}; free some, or set TMPDIR")
    return f"{tempfile.gettempdir()} can be written, {free:,} MB free"


def _processors() -> str:
    cores = os.cpu_count() or 1
    return f"{cores} cores" if cores > 1 else "1 core: everything works, and takes longer"


_CHECKS: dict[str, Callable[[], str]] = {
    "Python": _python,
    "packages": _packages,
    "Redis server": _redis,
    "DEMO_REDIS_URL": _external_redis,
    "ports": _ports,
    "temporary folder": _folder,
    "processors": _processors,
}
