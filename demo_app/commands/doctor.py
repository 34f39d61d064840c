"""The command ``doctor``: checks this machine, and prints advice for each failed check.

The command prints Japanese if the language of the terminal is Japanese.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator

import psutil

from demo_app.broker.connection import masked
from demo_app.rig.process_group import short_root
from demo_app.rig.redis_server import binary
from demo_app.shared.language import translations
from demo_app.stack import StackError, preflight

Translate = Callable[..., str]


def doctor() -> int:
    """Check this machine. Print one line for each check, with advice if the check fails."""
    # the first variable that is set determines the language of the terminal (locale(7))
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    language = next(filter(None, map(os.environ.get, names)), "")
    translate = translations(language[:2], __package__)
    found = list(results(translate))
    for name, what, well in found:
        print(f"{'ok  ' if well else 'FAIL'}  {translate(name)}: {what}")
    return 0 if all(well for *_, well in found) else 1


def results(translate: Translate = str.format) -> Iterator[tuple[str, str, bool]]:
    """Yield each check's name, its translated result, and True if it passed."""
    for name, check in _CHECKS.items():
        try:
            yield name, check(translate), True
        except (StackError, OSError) as error:
            yield name, str(error), False


def _python(_: Translate) -> str:
    return sys.version.split()[0]  # no check: the Makefile refuses a Python that is too old


def _redis(translate: Translate) -> str:
    server = binary()
    shown = subprocess.run([server, "--version"], capture_output=True, text=True, check=False)
    if shown.returncode:
        sentence = "{server} does not run; install redis-server, or use --redis-url"
        raise StackError(translate(sentence, server=server))
    return " ".join(shown.stdout.split()[:3])


def _external_redis(translate: Translate) -> str:
    url = os.environ.get("DEMO_REDIS_URL")
    if not url:
        return translate("none is set: `up` brings its own")
    return preflight.check(url) or translate("{server} can keep the queue", server=masked(url))


def _database(translate: Translate) -> str:
    url = os.environ.get("DEMO_DATABASE_URL")
    if not url:
        return translate("none is set: the blog has a SQLite file")
    return preflight.check_database(url)


def _ports(translate: Translate) -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        return translate("can listen on 127.0.0.1, such as on port {port}", port=port)


def _folder(translate: Translate) -> str:
    short = tempfile.TemporaryDirectory(dir=short_root())
    with short as folder, socket.socket(socket.AF_UNIX) as probe:
        probe.bind(f"{folder}/probe.sock")
    with tempfile.TemporaryDirectory() as folder:
        free = shutil.disk_usage(folder).free // 2**20
    found = {"free": free, "folder": tempfile.gettempdir()}
    if free < 200:
        raise StackError(
            translate("only {free} MB free in {folder}; free some, or set TMPDIR", **found)
        )
    return translate("{folder} can be written, {free:,} MB free", **found)


def _memory(translate: Translate) -> str:
    free = psutil.virtual_memory().available // 2**20
    if free < 400:
        raise StackError(translate("only {free} MB free; close some programs", free=free))
    return translate("{free:,} MB", free=free)


def _font(translate: Translate) -> str:
    try:
        from demo_app.demo.fonts import japanese_font
    except ImportError:  # without matplotlib no figure needs a font
        return ""
    none = "none: figures have English labels; one is in the package fonts-noto-cjk"
    return japanese_font() or translate(none)


_CHECKS: dict[str, Callable[[Translate], str]] = {
    "Python": _python,
    "Redis server": _redis,
    "DEMO_REDIS_URL": _external_redis,
    "DEMO_DATABASE_URL": _database,
    "ports": _ports,
    "temporary folder": _folder,
    "free memory": _memory,
    "Japanese font": _font,
}
