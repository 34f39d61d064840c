"""Tests that a package imports only from the packages above it in README's table, and that no class
exists only as the base of one other class."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
_TREES = {
    path: ast.parse(path.read_text("utf-8"))
    for folder in ("demo_app", "local_smtp", "notebooks/lab")
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def _rooms() -> list[list[Path]]:
    """Return the packages of README's table by line. A package may import from earlier lines.

    README's last line comes first, because its package imports from no other.
    """
    readme = (ROOT / "README.md").read_text()
    lines = readme.split("| package | what is in it |")[1].split("\n\n")[0].splitlines()[2:]
    *rooms, last = [[ROOT / link for link in re.findall(r"\]\((.+?)\)", one)] for one in lines]
    return [last, *rooms]


def _imported(path: Path) -> Iterator[Path]:
    for node in ast.walk(_TREES[path]):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            parts = Path("notebooks" if name.startswith("lab.") else "", *name.split("."))
            for place in (ROOT / parts, (ROOT / parts).parent):
                yield from (one for one in (place.with_suffix(".py"), place) if one.exists())


def test_a_room_imports_only_from_the_rooms_above_it() -> None:
    rooms = _rooms()
    assert ROOT / "demo_app/rig" in {room for line in rooms for room in line}

    def floor(path: Path) -> int | None:
        found = (
            (len(room.parts), number)
            for number, line in enumerate(rooms)
            for room in line
            if path.is_relative_to(room)
        )
        return max(found, default=(0, None))[1]

    upwards = {
        f"{path.relative_to(ROOT)} imports {other.relative_to(ROOT)}"
        for path in _TREES
        for other in _imported(path)
        if (own := floor(path)) is not None and (theirs := floor(other)) is not None
        if theirs > own
    }
    assert not upwards


def test_the_mail_sink_and_the_rest_do_not_import_each_other() -> None:
    """Each imports the code that both need from its own `shared`: a folder, or a link to it."""
    sink = ROOT / "local_smtp"
    crossing = {
        f"{path.relative_to(ROOT)} imports {other.relative_to(ROOT)}"
        for path in _TREES
        for other in _imported(path)
        if other != ROOT and path.is_relative_to(sink) != other.is_relative_to(sink)
    }
    assert not crossing


def _values(node: ast.AST) -> Iterator[str]:
    """Yield the names that the code uses as values: not in annotations, not as base classes."""
    for field, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if field not in ("annotation", "returns", "bases") and isinstance(child, ast.AST):
                if not isinstance(node, ast.Attribute) and isinstance(
                    child, ast.Name | ast.Attribute
                ):
                    yield ast.unparse(child).rpartition(".")[2]
                yield from _values(child)


def test_no_class_is_there_only_to_be_the_base_of_another() -> None:
    """To understand such a class, readers would have to open several files."""
    classes = [node for tree in _TREES.values() for node in ast.walk(tree)
               if isinstance(node, ast.ClassDef)]  # fmt: skip
    derived = defaultdict(list)
    for one in classes:
        for base in one.bases:
            derived[ast.unparse(base).rpartition(".")[2]].append(one.name)
    values = {name for tree in _TREES.values() for name in _values(tree)}
    models = {one.name for one in classes if "BaseModel" in map(ast.unparse, one.bases)}
    chains = {
        one.name: derived[one.name]
        for one in classes
        if len(derived[one.name]) == 1 and one.name not in values | models
    }
    assert not chains
