"""Every sentence that a lesson can say, found in the source: it has to be there in Japanese.

A text counts when it is given to what speaks (`say`, `drawn`, a table's head, what a cell waits
for, a prediction), and also when it merely looks like a sentence: two words of small letters.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from typing import Any

from notebooks.kernels import NOTEBOOKS
from notebooks.lesson import CHALLENGES, LESSONS, code_cells

LAB = NOTEBOOKS / "lab"
_DEMO = NOTEBOOKS.parent / "demo_app"
_JUDGE = _DEMO / "judge"
#: What of the judge a challenge shows.
_OF_JUDGE = (
    "checker",
    "coverage",
    "history",
    "judge",
    "levels",
    "plan",
    "record",
    "runner",
    "targets",
)
#: What no lesson in Japanese shows: tools, and what becomes a job's own data.
_NOT_SAID = {"queue_backend", "postgres", "language", "jobs"}
_SOURCES = [
    *(path for path in sorted(LAB.glob("*.py")) if path.stem not in _NOT_SAID),
    *(_DEMO / "commands/doctor.py", _DEMO / "demo/picture.py"),
    *(_JUDGE / f"{name}.py" for name in _OF_JUDGE),
    NOTEBOOKS / "jupyter/startup.py",
]
#: Texts for machines that look like sentences: SQL, commands, styles, HTML; then names that only
#: the code compares, what a job holds, and mistakes that no lesson makes.
_FOR_MACHINES = re.compile(
    r"(?:SELECT|CREATE|INSERT|UPDATE|DELETE|PRAGMA) |config get|client list|celery -A|import |://|"
    r"outside lower|center left|axes fraction|\dpx |<|;\w|"
    r"worker pid|no links here|in 1 second|tidy up|"
    r"module 'lab' has|There are mysteries|What you started|of the machines|in one line|"
    r"put waits|, line \(|import my_app|"
    # of the judge's command, which no challenge gives another target
    r"neither FILE|judge's page|^The Celery app|not a valid command|^There is no (?:program|file) "
)
_TWO_WORDS = re.compile(r"[a-z,;']+ [a-z]+")
#: A name such as Redis or FAILURE is the same in every language.
_WORD = re.compile(r"(?<![A-Z{])[a-z]{2,}|^[,;.] ?$")
#: Which arguments of a call are told: by place, and by name.
_TOLD: dict[str, tuple[slice, set[str]]] = {
    "say": (slice(0, 1), set()),
    "_say": (slice(0, 1), set()),
    "drawn": (slice(0, 1), set()),
    "count": (slice(1, 3), set()),
    "Progress": (slice(0, 1), set()),
    "_CannotSee": (slice(0, 1), set()),
    "until": (slice(1, 2), {"what"}),
    "seen": (slice(1, 3), set()),
    "Table": (slice(0, 1), {"caption"}),
    "predict": (slice(0, 3), {"choices", "unit"}),
    "outcomes_picture": (slice(1, 3), {"what", "arrived"}),
    "Outcome": (slice(0, 1), set()),
    "Trial": (slice(0, 1), set()),
    "Rung": (slice(0, 1), set()),
    "Level": (slice(1, 2), set()),
}
#: Pictures whose panels are called as their arguments are.
_PANELS = {"response_times", "order_picture", "side_by_side", "watch_picture"}


def sentences() -> dict[str, str]:
    """Each text that has to be there in Japanese, and where it is."""
    found: dict[str, str] = {}
    for path in (*_SOURCES, _JUDGE / "targets.py"):
        tree = ast.parse(path.read_text("utf-8"))
        found |= dict.fromkeys(_told(tree), path.name)
        if path in _SOURCES:  # the others write to a terminal too, in English
            found |= dict.fromkeys(_like_sentences(tree), path.name)
    for lesson in (*LESSONS, *CHALLENGES):
        for cell in code_cells(lesson):
            found |= dict.fromkeys(_told(ast.parse(cell)), lesson)
    found |= dict.fromkeys(re.findall(">(.+)</text>", (LAB / "map.svg").read_text()), "map.svg")
    words = tomllib.loads((LAB / "exercises.toml").read_text("utf-8"))
    found |= dict.fromkeys(_words(words), "exercises.toml")
    found = {text: where for text, where in found.items() if _WORD.search(text)}
    found |= dict.fromkeys(_rungs(), "solutions/your_own")
    from lab.checks import read_solutions

    for lesson in LESSONS:
        for _, title, _, explained in read_solutions(int(lesson[:2])):
            found |= dict.fromkeys((title, explained), f"solutions/{lesson}.md")
    return {text: where for text, where in found.items() if "://" not in text}


def _rungs() -> list[str]:
    """What each rung of an app of one's own says in its first line."""
    files = sorted((NOTEBOOKS / "solutions/your_own").glob("*.py"))
    return [path.read_text("utf-8").splitlines()[0].strip('"') for path in files]


def unsayable() -> list[str]:
    """Where an f-string has words of its own: no translation can be found for it."""
    return [
        f"{path.name}, line {node.lineno}"
        for path in _SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.JoinedStr)
        and _is_sentence(
            "{}".join(str(p.value) for p in node.values if isinstance(p, ast.Constant))
        )
    ]


def _told(tree: ast.AST) -> Iterator[str]:
    given = _given(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
        places, names = _TOLD.get(name, (slice(0), set()))
        for argument in (*node.args[places], *(k.value for k in node.keywords if k.arg in names)):
            for one in given.get(getattr(argument, "id", ""), [argument]):
                yield from _texts(one)
        if name in _PANELS:
            yield from (k.arg.replace("_", " ") for k in node.keywords if k.arg)


def _given(tree: ast.AST) -> dict[str, list[ast.AST]]:
    """What each name may mean, wherever it is given something."""
    found: dict[str, list[ast.AST]] = {}
    for node in ast.walk(tree):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            pairs: list[tuple[ast.AST, ast.AST]] = [(target, node.value)]
            if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                pairs = [*zip(target.elts, node.value.elts, strict=True)]
            for name, value in pairs:
                found.setdefault(getattr(name, "id", "?"), []).append(value)
    return found


def _texts(node: ast.AST) -> Iterator[str]:
    """Its texts, also those of a choice or a tuple, without the conditions and calls in it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.Tuple | ast.List):
        for one in node.elts:
            yield from _texts(one)


def _like_sentences(tree: ast.AST) -> Iterator[str]:
    """Constants with two words, but for docstrings and the pieces of f-strings."""
    others = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr | ast.JoinedStr)
        for part in (node.values if isinstance(node, ast.JoinedStr) else [node.value])
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in others:
            yield from [str(node.value)] if _is_sentence(str(node.value)) else ()


def _is_sentence(text: str) -> bool:
    return bool(_TWO_WORDS.search(text)) and not _FOR_MACHINES.search(text)


def _words(given: Any) -> Iterator[str]:
    """Every hint and every word on offer; a single right word may be a command's name."""
    if isinstance(given, dict):
        for name, one in given.items():
            yield from _words(one) if name != "right" or not isinstance(one, str) else ()
    elif isinstance(given, list):
        for one in given:
            yield from _words(one)
    elif isinstance(given, str):
        yield given
