"""Tests that the recipes of CONTRIBUTING work, in a copy of the tree."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support import next_line, until, up_running

from demo_app.stack.client import Client

ROOT = Path(__file__).parent.parent
BACKEND = """
from demo_app.backends.celery import CeleryBackend, options_of
from demo_app.broker.connection import connect
from demo_app.broker.queue import Queue


class Sixth(CeleryBackend):
    name = "sixth"


def make(settings):
    return Sixth(Queue(connect(settings.redis_url), options_of(settings)))
"""
#: The line that adds an option to `up`, for the setting `sender`, which exists already.
OPTION = '    sender: str = Field("A <a@x.test>", description="who the mails are from")\n'
FAULT = '    "busy": Effect("say that it is busy", lambda rule: Outcome("421 busy")),\n'
#: A column of the job lists is one call of a macro, and two texts in each language.
COLUMN = '{% call column(job, "shade") %}the shade of {{ job.task }}{% endcall %}\n'
WORDS = {"name.shade": "Shade of jobs", "word.shade": "What colour a job has."}


def _insert(path: Path, before: str, lines: str) -> None:
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, lines + before, 1), "utf-8")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the source code with one more backend, `up` option, fault and column."""
    tree = tmp_path_factory.mktemp("recipes")
    for room in ("demo_app", "local_smtp"):
        shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "demo_app/backends/sixth.py").write_text(BACKEND)
    _insert(tree / "demo_app/stack/options.py", "    #: The start-up token", OPTION)
    _insert(tree / "local_smtp/fault_rules.py", '    "close": Effect(', FAULT)
    _insert(tree / "demo_app/broker/web/pages/parts.html", '{% call column(job, "task"', COLUMN)
    for language in ("english", "japanese"):
        path = tree / f"demo_app/broker/web/{language}.json"
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | WORDS), "utf-8")
    return tree


@pytest.fixture(scope="module")
def ready(tree: Path) -> Iterator[dict[str, Any]]:
    options = ("--backend", "sixth", "--sender", "Recipe <recipe@x.test>")
    with up_running(*options, cwd=tree, PYTHONPATH=str(tree)) as process:
        yield next_line(process)


def test_a_backend_a_fault_a_column_and_an_option_work_when_the_recipe_was_followed(
    ready: dict[str, Any],
) -> None:
    with Client(ready) as client:
        client.set_faults({"at": "rcpt", "do": "busy", "times": 1})
        job = client.comment()["job_id"]
        client.wait_for_mails(1)
        [rule] = client.faults()
        assert rule["hits"] == 1, "the new fault put the mail off once"
        [mail] = client.mails()["messages"]
        assert mail["from"] == "recipe@x.test", "the new option reached the worker"
        until(lambda: client.job(job)["state"] == "done", what="the job's end")
        assert client.summary()["backend"] == "sixth"
        assert client.redis().get("blog"), "a worker elsewhere would know whose jobs these are"
        page = httpx.get(f"{ready['web']}/jobs/done?token={ready['token']}", follow_redirects=True)
        assert "Shade of jobs" in page.text
        assert "the shade of demo_app.tasks.notify_author" in page.text
