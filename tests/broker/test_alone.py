"""Tests that the broker package works under another name, without the demo app."""

import ast
import shutil
from pathlib import Path

import pytest
from support import run_python

import demo_app.broker

ROOM = Path(demo_app.broker.__file__).parent
MODULES = sorted(ROOM.rglob("*.py"))


@pytest.mark.parametrize("file", MODULES, ids=lambda file: f"{file.relative_to(ROOM)}")
def test_a_module_does_not_use_the_app_or_the_environment(file: Path) -> None:
    nodes = list(ast.walk(ast.parse(file.read_text())))
    named = [f"{one.module}" for one in nodes if isinstance(one, ast.ImportFrom) and not one.level]
    named += [name.name for one in nodes if isinstance(one, ast.Import) for name in one.names]
    assert not [name for name in named if name.startswith(("demo_app", "local_smtp"))]
    attributes = {one.attr for one in nodes if isinstance(one, ast.Attribute)}
    assert not attributes & {"environ", "getenv", "environb"}


def test_under_another_name_it_does_not_load_the_demo_app(tmp_path: Path) -> None:
    shutil.copytree(ROOM, tmp_path / "celery_claims")
    ended = run_python(
        "-c",
        "import sys, celery_claims\n"
        "from celery import Celery\n"
        "url = 'claims+redis://127.0.0.1:1/0'\n"
        "print(Celery(broker=url).connection().transport_cls)\n"
        "print(celery_claims.Transport.__module__)\n"
        "outside = ('demo_app', 'local_smtp', 'fastapi', 'jinja2', 'uvicorn')\n"
        "print([name for name in sys.modules if name.startswith(outside)])\n"
        "import celery_claims.web.serve\n"
        "print([name for name in sys.modules if name.startswith(outside[:2])])",
        cwd=tmp_path,
    )
    assert ended.stdout.split("\n")[1:4] == ["celery_claims.transport", "[]", "[]"]
