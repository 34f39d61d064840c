"""The capstone: the trials of an app that a learner wrote, and a solution for each rung."""

from contextlib import closing
from difflib import unified_diff
from pathlib import Path

from IPython.display import HTML

from lab.language import translate
from lab.ledger import side_by_side
from lab.own_app import OwnApp
from lab.progress import Progress
from lab.running import Lab
from lab.show import LabError, Several, Table, folded
from lab.trials import Trial, trials

RUNGS = sorted(Path(__file__).resolve().parents[1].glob("solutions/your_own/*.py"))


class Tried(Several):
    """The results of all trials: a table, and a diagram of the mails in the trials with kills."""

    def __init__(self, trials: list[Trial]) -> None:
        self.trials = trials
        head = ("trial", "verdict", "comments", "lost", "late", "shown twice")
        ledgers = {one.name: one.ledger for one in trials if one.ledger.kills and one.ledger.lines}
        pictures = [side_by_side(**ledgers)] if ledgers else []
        super().__init__(Table(head, [trial.row() for trial in trials]), *pictures)


def try_out(lab: Lab, file: str | Path = "my_app.py") -> Tried:
    """Start the app of a file, kill each of its parts, and count the mails.

    The data in the lab's Redis is deleted first.

    Args:
        lab: the lab whose Redis the app uses.
        file: the file of the app; if it does not exist, the solution of the lowest rung is used.

    Raises:
        LabError: the file can't be read, or its app does not start or answer as it should.
    """
    path = Path(file)
    if not path.exists():
        print(
            translate("There is no {file} beside this page yet. Here is a first rung.", file=file)
        )
        path = RUNGS[0]
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LabError("{file} can't be read: {error}", file=path.name, error=error) from None
    lab.redis.flushall()
    with Progress("the trials of your app"), closing(OwnApp(lab, text)) as app:
        return Tried(list(trials(app)))


def rungs() -> HTML:
    """Return a folded solution for each rung: the first in full, the others as diffs."""
    found, before = "", ""
    for path in RUNGS:
        text = path.read_text("utf-8")
        title = text.splitlines()[0].strip('"')
        lines = list(unified_diff(before.splitlines(), text.splitlines(), lineterm="", n=2))[3:]
        found += folded(translate(title), "\n".join(lines) if before else text)
        before = text
    return HTML(found)  # type: ignore[no-untyped-call]
