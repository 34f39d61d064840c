"""Find every text in the source that a lesson can show: each one needs a Japanese translation.

A text counts if it is an argument of a function that shows it (such as `translate`, `Table`,
`predict`), or if it looks like a sentence: two lower-case words in a row. The texts of exercises,
solutions and the map count too.
"""

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
#: Modules of the judge whose texts a challenge shows.
_OF_JUDGE = (
    *("checker", "coverage", "history", "judge", "levels"),
    *("plan", "record", "runner", "targets"),
)
#: Modules of the lab whose texts no learner reads: tools, and data of jobs.
_WITHOUT_TEXTS = {"queue_backend", "language", "jobs"}
_SOURCES = [
    *(path for path in sorted(LAB.glob("*.py")) if path.stem not in _WITHOUT_TEXTS),
    *(_DEMO / "commands/doctor.py", _DEMO / "demo/picture.py"),
    *(_JUDGE / f"{name}.py" for name in _OF_JUDGE),
    NOTEBOOKS / "jupyter/startup.py",
]
#: Texts that look like sentences but that no learner reads: SQL, commands, styles and HTML; texts
#: that only code compares; data of a job; errors that no lesson causes.
_FOR_MACHINES = re.compile(
    r"(?:SELECT|CREATE|INSERT|UPDATE|DELETE|PRAGMA) |import (?!is missing)|outside lower|\dpx |<|"
    r"worker pid|no links here|tidy up|put waits|, line (?:\(|\\d)|"
    r"module 'lab' has|There is no mystery|What you started|"
    # errors of the judge's command about targets that no challenge uses
    r"neither FILE|^The package|^The Celery app|not a valid command|^There is no (?:program|file) "
)
_TWO_WORDS = re.compile(r"[a-z,;']+ [a-z]+")
#: A text without a match, such as FAILURE, needs no translation.
_WORD = re.compile(r"(?<![A-Z{])[a-z]{2,}|^[,;.] ?$")
#: For each function, the arguments that a learner sees: a slice of the positional arguments, and
#: the names of the keyword arguments.
_FIRST = ("translate", "_translate", "label_of", "LabError", "Progress", "Outcome", "Trial", "Rung")
_SHOWN_ARGUMENTS: dict[str, tuple[slice, set[str]]] = {
    **dict.fromkeys(_FIRST, (slice(0, 1), set())),
    **dict.fromkeys(("count", "seen"), (slice(1, 3), set())),
    "until": (slice(1, 2), {"what"}),
    "Table": (slice(0, 1), {"caption"}),
    "predict": (slice(0, 3), {"choices", "unit"}),
    "outcomes_picture": (slice(1, 3), {"what", "arrived"}),
    "Level": (slice(1, 2), set()),
}
#: Functions that draw a panel for each keyword argument, with its name as the title.
_PANELS = {"response_times", "order_picture", "side_by_side", "watch_picture"}


def sentences() -> dict[str, str]:
    """Return each text that needs a Japanese translation, with the file or lesson that has it."""
    found: dict[str, str] = {}
    for path in _SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        found |= dict.fromkeys((*_shown_texts(tree), *_like_sentences(tree)), path.name)
    for lesson in (*LESSONS, *CHALLENGES):
        for cell in code_cells(lesson):
            found |= dict.fromkeys(_shown_texts(ast.parse(cell)), lesson)
    found |= dict.fromkeys(re.findall(">(.+)</text>", (LAB / "map.svg").read_text()), "map.svg")
    words = tomllib.loads((LAB / "exercises.toml").read_text("utf-8"))
    found |= dict.fromkeys(_words(words), "exercises.toml")
    found = {text: where for text, where in found.items() if _WORD.search(text)}
    for path in (NOTEBOOKS / "solutions/your_own").glob("*.py"):
        found[path.read_text("utf-8").splitlines()[0].strip('"')] = "solutions/your_own"
    from lab.checks import read_solutions

    for lesson in LESSONS:
        for _, title, _, explained in read_solutions(int(lesson[:2])):
            found |= dict.fromkeys((title, explained), f"solutions/{lesson}.md")
    return {text: where for text, where in found.items() if "://" not in text}


def untranslatable() -> list[str]:
    """Return the file and line of each f-string with words: it cannot be translated."""
    return [
        f"{path.name}, line {node.lineno}"
        for path in _SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.JoinedStr)
        and _is_sentence(
            "{}".join(str(p.value) for p in node.values if isinstance(p, ast.Constant))
        )
    ]


def _shown_texts(tree: ast.AST) -> Iterator[str]:
    values = _values(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", "") or getattr(node.func, "attr", "")
        places, names = _SHOWN_ARGUMENTS.get(name, (slice(0), set()))
        for argument in (*node.args[places], *(k.value for k in node.keywords if k.arg in names)):
            for value in values.get(getattr(argument, "id", ""), [argument]):
                yield from _texts(value)
        if name in _PANELS:
            yield from (k.arg.replace("_", " ") for k in node.keywords if k.arg)


def _values(tree: ast.AST) -> dict[str, list[ast.AST]]:
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
    """Yield the string constants of a node. Search tuples, lists and both values of a conditional
    expression. Skip conditions and calls."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.Tuple | ast.List):
        for element in node.elts:
            yield from _texts(element)


def _like_sentences(tree: ast.AST) -> Iterator[str]:
    """Yield the constants that look like sentences, except docstrings and parts of f-strings."""
    others = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr | ast.JoinedStr)
        for part in (node.values if isinstance(node, ast.JoinedStr) else [node.value])
    }
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in others
        ):
            yield from [node.value] if _is_sentence(node.value) else ()


def _is_sentence(text: str) -> bool:
    return bool(_TWO_WORDS.search(text)) and not _FOR_MACHINES.search(text)


def _words(values: Any) -> Iterator[str]:
    """Yield the texts of the exercises, except a `right` that is a string: it may be a command."""
    if isinstance(values, dict):
        for name, one in values.items():
            yield from _words(one) if name != "right" or not isinstance(one, str) else ()
    elif isinstance(values, list):
        for one in values:
            yield from _words(one)
    elif isinstance(values, str):
        yield values
