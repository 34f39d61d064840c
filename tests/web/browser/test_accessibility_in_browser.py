"""axe finds nothing to complain about on any page, in light and dark, in English and Japanese."""

from __future__ import annotations

from importlib.resources import files

import pytest
from support import most_thorough

from demo_app.stack.client import Client

PAGES = (
    "/",
    "/posts/1",
    "/posts/1?posted={job}",
    "/jobs",
    "/jobs/queued",
    "/jobs/retrying",
    "/jobs/dead",
    "/jobs/done",
    "/jobs/job/{job}",
    "/jobs/job/{dead}",
    "/jobs/job/{discarded}",
    "/jobs/confirm?what=discard&state=dead&job={dead}",
    "/stage",
    "/stage?at=0",
    "/stage?show=four-minutes",
    "/stage/notes",
    "/nothing-here",
)
LOOKS = (("light", "en"), ("dark", "ja"))


@pytest.fixture(scope="module")
def jobs(stack, client: Client) -> dict[str, str]:
    """A delivered job, one that was given up, a discarded one, and one that is tried again."""
    client.set_faults(
        {"at": "rcpt", "do": "answer", "code": 550, "text": "no", "match": {"to": "bjoern*"}},
        {"at": "rcpt", "do": "answer", "code": 451, "text": "later", "match": {"to": "chidi*"}},
    )
    made = {"job": client.comment(1)["job_id"], "dead": client.comment(2)["job_id"]}
    made["discarded"] = client.comment(2)["job_id"]
    client.comment(3)
    client.wait_for(lambda now: now["done"] >= 1 and now["dead"] >= 2)
    client.decide(made["discarded"], "discard")
    return made


@pytest.mark.parametrize(("scheme", "language"), most_thorough(LOOKS, ("dark", "ja")))
def test_axe_finds_no_violation(tab, jobs: dict[str, str], scheme: str, language: str) -> None:
    axe = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    found = {}
    page = tab("/", expected="404", color_scheme=scheme, locale=language)
    base = page.url
    for path in PAGES:
        page.goto(base + path.format(**jobs)[1:])
        page.evaluate(axe)
        told = page.evaluate("axe.run({resultTypes: ['violations']})")
        if told["violations"]:
            found[path] = [
                (rule["id"], [node["html"][:120] for node in rule["nodes"][:3]])
                for rule in told["violations"]
            ]
    assert not found
