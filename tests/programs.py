"""Programs that some tests need and no Python package has: how to find and install them.

If a program is missing, its tests are skipped, and the end of the run reports it; in CI they fail.
`python tests/programs.py` prints the path of each program that it finds: `.ci/bare` removes them.
"""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from glob import glob

import pytest

#: The start of a skipped test's reason. The name of the missing program follows.
WANT = "for want of "
#: Folders of Debian and macOS that may have these programs and may not be on the PATH.
_ALSO = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")


@dataclass(frozen=True)
class Program:
    """A program that may be missing.

    Attributes:
        found: returns its path, or "" if the program is missing.
        debian, macos: how to install it, or "" if it is not available.
    """

    name: str
    found: Callable[[], str]
    debian: str
    macos: str = ""

    @property
    def get(self) -> str:
        how = self.macos if sys.platform == "darwin" else self.debian
        return f"Get it: {how}" if how else "This system has none."


def needs(program: Program) -> str:
    """Return the program's path. If the program is missing, skip the test; in CI, a skip is a
    failure."""
    found = program.found()
    if not found:
        pytest.skip(WANT + program.name)
    return found


def _first(*names: str) -> Callable[[], str]:
    """Return a function that returns the path of the first of these programs that exists, or "".

    Args:
        names: names, or paths in which `*` stands for any characters.
    """

    def find() -> str:
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_ALSO])
        for name in names:
            match = next(iter(sorted(glob(name))), "") if "/" in name else ""
            if found := match or shutil.which(name, path=path):
                return found
        return ""

    return find


def _postgres() -> str:
    from postgres_server import programs

    try:
        import psycopg  # noqa: F401 - which fails without libpq
    except ImportError:
        return ""
    found = programs()
    return found[1] if found else ""


def _japanese_font() -> str:
    from matplotlib.font_manager import findfont

    from demo_app.demo.fonts import japanese_font

    name = japanese_font()
    return findfont(name) if name else ""


#: The headless shell is first: it is Chromium without windows, and needs 40% less processor time.
BROWSER = Program(
    "Chromium",
    _first(
        *("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"),
        *(f"/Applications/{a}.app/Contents/MacOS/{a}" for a in ("Chromium", "Google Chrome")),
    ),
    "apt install chromium chromium-headless-shell",
    "brew install --cask google-chrome",
)
POSTGRES = Program("PostgreSQL", _postgres, "apt install postgresql", "brew install postgresql@17")
FAKETIME = Program(
    "libfaketime",
    _first("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT*"),
    "apt install faketime",
)
RUBY = Program("Ruby", _first("ruby"), "apt install ruby", "brew install ruby")
NODE = Program("Node.js", _first("node"), "apt install nodejs", "brew install node")
GIT = Program("Git", _first("git"), "apt install git", "xcode-select --install")
JAPANESE_FONT = Program("a Japanese font", _japanese_font, "apt install fonts-noto-cjk")

ALL = (BROWSER, POSTGRES, FAKETIME, RUBY, NODE, GIT, JAPANESE_FONT)


def left_out(reasons: list[str]) -> Iterator[str]:
    """Yield a line for each program whose tests were skipped.

    Args:
        reasons: the reason of each skipped test.
    """
    for program in ALL:
        if number := sum(reason.endswith(WANT + program.name) for reason in reasons):
            tests = "1 test" if number == 1 else f"{number} tests"
            yield f"Left out for want of {program.name}: {tests}. {program.get}"


if __name__ == "__main__":
    for _program in ALL:
        if _path := _program.found():
            print(os.path.realpath(_path))
