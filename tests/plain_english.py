"""Print phrases that a reader has to read twice: `python tests/plain_english.py`, in `make check`.

The script searches the docstrings of the packages and the English pages, except lines with a text
of `ALLOWED`. It fails if it finds a phrase.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_PROGRAMS = "worker|broker|Redis|server|process|program|app|script|stack|relay|judge|page|kernel"
#: Patterns of phrases, each with its fault.
PHRASES = {
    r"^(Who|What|Whether|How) (?!.*\?)": "begins with a clause instead of a noun",
    r"(?<!\b[Tt]here) (is|are|was|were) no (?!longer|more|such)[a-z]+": "say 'is not a …'",
    r"\bof one's own\b": "say whose",
    r"\b(is|are|was|were|be) told\b": "programs receive, people read",
    r", but for\b": "say 'except'",
    rf"\b({_PROGRAMS})s? (says?|tells?|hears?|told|heard)\b": "programs do not speak",
}
ALLOWED = ("No worker is special", "that it is told to lose")


def _lines(path: Path) -> Iterator[str]:
    text = path.read_text("utf-8")
    if path.suffix == ".md":
        yield from text.splitlines()
        return
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, kinds):
            yield from (ast.get_docstring(node) or "").splitlines()


def main() -> int:
    places = ["*.md", "demo_app/*.py", "local_smtp/*.py", "notebooks/*.py", ":!notebooks/ja"]
    files = subprocess.run(["git", "ls-files", *places], capture_output=True, text=True, check=True)
    found = [
        f"{file}: {line.strip()[:90]!r}: {why}"
        for file in files.stdout.splitlines()
        for line in _lines(Path(file))
        for phrase, why in PHRASES.items()
        if re.search(phrase, line) and not any(words in line for words in ALLOWED)
    ]
    print(*found, sep="\n", end="\n" * bool(found))
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
