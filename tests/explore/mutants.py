"""Every one-line mistake that fixed rules make in the scripts and in the modules that call them."""

import ast
import inspect
import re
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.resources import files
from itertools import count
from operator import methodcaller
from textwrap import dedent
from typing import Any

import pytest

from explore.worker import Wire

#: The modules whose functions are changed.
STEPS = tuple(
    f"demo_app.{name}"
    for name in ("broker.queue", "broker.lease", "broker.in_flight",
                 "broker.heartbeat", "broker.held", "blog.relay", "blog.reconciliation",
                 "blog.outbox")
)  # fmt: skip
#: Scripts that no worker of a world calls.
_SHOWING = ("snapshot", "pause", "take")

#: A pattern in a line of Lua, and its replacement.
_LUA = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"==", "~="), (r"~=", "=="), (r"<=", "<"), (r">=", ">"), (r"(?<![<=~>])<(?![=])", "<="),
        (r"(?<![<=~>'])>(?![=])", ">="), (r"\band\b", "or"), (r"\bor\b", "and"), (r"\bnot ", ""),
        (r"\btrue\b", "false"), (r"\bfalse\b", "true"), (r"'RPUSH'", "'LPUSH'"),
        (r"'LPUSH'", "'RPUSH'"), (r"'LEFT', 'RIGHT'", "'LEFT', 'LEFT'"), (r"'RIGHT'$", "'LEFT'"),
        (r" \+ 1\b", " + 2"), (r"(?<=[ (])0(?=[,) ]|$)", "1"),
    )
)  # fmt: skip
#: A line that is a complete statement, and can be deleted.
_STATEMENT = re.compile(r"^\s*(redis\.call\(.*\)|[a-z_]+\(.*\)|if .* then return .*end)$")


@dataclass(frozen=True)
class Mutant:
    """A mistake in one line of the code.

    Attributes:
        where: file and line.
        of: file and function.
        in_: for a script, its name; for a function in Python, its file and first line.
        before, after: the line without and with the mistake; "" if the line is left out.
        make: makes the mistake, with a `MonkeyPatch` that undoes it.
    """

    where: str
    of: str
    in_: str
    before: str
    after: str
    make: Callable[[pytest.MonkeyPatch], object] = field(compare=False)

    @property
    def what(self) -> str:
        after = self.after.strip()
        return f"`{self.before.strip()}` → " + (f"`{after}`" if after else "left out")

    @contextmanager
    def made(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            self.make(patch)
            Wire.texts.clear()
            yield
        Wire.texts.clear()


def of_scripts() -> list[Mutant]:
    folder = files("demo_app.broker") / "scripts"
    found = []
    for file in sorted(folder.iterdir(), key=lambda one: one.name):
        name = file.name.removesuffix(".lua")
        if name in _SHOWING or not file.name.endswith(".lua"):
            continue
        lines = file.read_text("utf-8").splitlines()
        function = ""
        for number, line in enumerate(lines):
            if line == "end" or line.startswith("local function "):
                function = (
                    line.removeprefix("end").removeprefix("local function ").partition("(")[0]
                )
            code = line.partition("--")[0].rstrip()
            for new in dict.fromkeys(_mistakes(code)):
                text = "\n".join([*lines[:number], new, *lines[number + 1 :]]) + "\n"
                make = methodcaller("setitem", Wire.files, name, text)
                where = f"{file.name}:{number + 1}"
                found.append(Mutant(where, f"{file.name} {function}", name, code, new, make))
    return found


def _mistakes(code: str) -> Iterator[str]:
    for pattern, new in _LUA:
        for found in pattern.finditer(code):
            yield code[: found.start()] + new + code[found.end() :]
    if _STATEMENT.match(code) and code.count("(") == code.count(")"):
        yield ""


class _Change(ast.NodeTransformer):
    """A visitor that makes one mistake: the one with index `at`, in the order of the visit.

    Attributes:
        count: index of the last possible mistake that was visited; -1 before the first.
        line: number of the changed line; 0 if no mistake has the index `at`.
    """

    def __init__(self, at: int) -> None:
        self.at, self.count, self.line = at, -1, 0

    def visit(self, node: ast.AST) -> ast.AST:
        if _left_alone(node):
            return node
        self.generic_visit(node)
        mistaken = _mistaken(node)
        if mistaken is None:
            return node
        self.count += 1
        if self.count != self.at:
            return node
        self.line = node.lineno  # type: ignore[attr-defined]
        return ast.copy_location(mistaken, node)


def _left_alone(node: ast.AST) -> bool:
    """Return True for defaults (every caller passes a value), docstrings and calls of the log."""
    match node:
        case ast.arguments() | ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=function)):
            return ast.unparse(function).startswith(("log.", "hit", "self._throttled"))
    return False


def _mistaken(node: ast.AST) -> ast.AST | None:
    """Return the node with a mistake, or None if no rule changes it."""
    match node:
        case ast.Compare(ops=[op, *others]) if type(op) in _OTHER:
            return ast.Compare(node.left, [_OTHER[type(op)](), *others], node.comparators)
        case ast.BoolOp(op=op):
            return ast.BoolOp(_OTHER[type(op)](), node.values)
        case ast.BinOp(op=op) if type(op) in _OTHER:
            return ast.BinOp(node.left, _OTHER[type(op)](), node.right)
        case ast.UnaryOp(op=ast.Not()):
            return node.operand
        case ast.Constant(value=bool()):
            return ast.Constant(not node.value)
        case ast.Constant(value=int(number)):
            return ast.Constant(number + 1)
        case ast.Expr(value=ast.Call()) | ast.Assign(targets=[ast.Attribute(), *_]):
            return ast.Pass()
    return None


_OTHER: dict[type, Any] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def of_steps(names: Sequence[str] = STEPS) -> list[Mutant]:
    found = []
    for name in names:
        short = name.removeprefix("demo_app.").replace(".", "/") + ".py"
        for function in _functions(import_module(name)):
            place, own = called(function.__code__), function.__code__
            lines, first = inspect.getsourcelines(function)
            for number in count():
                tree = ast.parse(dedent("".join(lines)))
                change, node = _Change(number), tree.body[0]
                node.returns = None  # type: ignore[attr-defined]  # a type
                change.generic_visit(node)
                if not change.line:
                    break
                after = _line_of(node, change.line)
                ast.increment_lineno(ast.fix_missing_locations(tree), first - 1)
                parts = compile(tree, own.co_filename, "exec").co_consts
                code = next(part for part in parts if isinstance(part, types.CodeType))
                where = f"{short}:{first - 1 + change.line}"
                before, of = lines[change.line - 1], f"{short} {function.__qualname__}"
                make = methodcaller("setattr", function, "__code__", code)
                found.append(Mutant(where, of, place, before.rstrip(), after, make))
    return found


def called(code: types.CodeType) -> str:
    return f"{code.co_filename}:{code.co_firstlineno}"


def _functions(module: types.ModuleType) -> list[types.FunctionType]:
    found = []
    for value in vars(module).values():
        if getattr(value, "__module__", "") != module.__name__:
            continue
        for one in vars(value).values() if isinstance(value, type) else [value]:
            one = inspect.unwrap(one.fget if isinstance(one, property) else one)
            if isinstance(one, types.FunctionType) and one.__code__.co_filename == module.__file__:
                found.append(one)
    return [one for one in found if not one.__name__.startswith("__")]


def _line_of(node: ast.AST, line: int) -> str:
    for one in ast.walk(node):
        if (
            isinstance(one, ast.stmt)
            and one.lineno == line
            and not isinstance(one, ast.FunctionDef)
        ):
            return "" if isinstance(one, ast.Pass) else ast.unparse(one).splitlines()[0]
    return "(within a longer line)"
