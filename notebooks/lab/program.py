"""A learner's file, run as real processes in a separate folder."""

import re
import sys
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from IPython.core.getipython import get_ipython

from lab.extra_process import ExtraProcess
from lab.running import Lab
from lab.show import LabError


def cell_of(defines: str) -> str:
    """Return the source of the last cell with a line that begins with `defines`, as a whole word.

    The source ends before the cell's line that begins with ``check(``.

    Raises:
        LabError: there is no such cell.
    """
    shell: Any = get_ipython()
    cells: list[str] = shell.user_ns["In"] if shell is not None else []
    line = re.compile(rf"^{re.escape(defines)}(?!(?<=\w)\w)", re.MULTILINE)
    for cell in reversed(cells):
        if line.search(cell):
            return re.split(r"^check\(", cell, maxsplit=1, flags=re.MULTILINE)[0]
    none = "No cell of this notebook has a line that begins with {what!r}. Run that cell first."
    raise LabError(none, what=defines)


def unfinished(redis: Any) -> int:
    """Return the number of unfinished jobs of `claims` and of stock Celery in Redis."""
    lists = ["celery", *redis.keys("queue:*"), *redis.keys("claims:*")]
    sets = ("scheduled", "retrying")
    return int(redis.hlen("unacked") + sum(map(redis.llen, lists)) + sum(map(redis.zcard, sets)))


class Program:
    """A Python module in a folder of the lab.

    Attributes:
        name: the module's name.
        text: the module's source.
    """

    def __init__(self, lab: Lab, text: str, name: str) -> None:
        self.lab, self.text, self.name = lab, text, name
        self.folder = Path(mkdtemp(prefix=f"{name}-", dir=lab.stack.plan.folder.logs))
        (self.folder / f"{name}.py").write_text(text, "utf-8")
        self.started = 0

    def start(self, role: str, module: str, *arguments: str, **environment: str) -> ExtraProcess:
        """Start ``python -m module arguments`` in the program's folder."""
        self.started += 1
        here = ["sh", "-c", 'cd "$0" && exec "$@"', str(self.folder)]
        command = [*here, sys.executable, "-m", module, *arguments]
        return self.lab.start_extra(f"{role}-{self.name}-{self.started}", command, **environment)

    def worker(self, *options: str, **environment: str) -> ExtraProcess:
        options = ("--hostname", f"{self.name}{self.started + 1}@here", "-l", "INFO", *options)
        worker = self.start("worker", "celery", "-A", self.name, "worker", *options, **environment)
        worker.until_ready(lambda: " ready." in worker.output())
        return worker

    def lines(self, file: str) -> list[str]:
        """Return the lines of a file in the program's folder; [] if there is no such file."""
        self.lab.client  # noqa: B018  # raises LabError if closed
        path = self.folder / file
        return path.read_text("utf-8", "replace").splitlines() if path.exists() else []
