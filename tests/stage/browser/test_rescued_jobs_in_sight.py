"""After a rescue, each rescued job is in sight on every screen, and its token is large."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from stage.browser.overlaps import overlaps
from stage.stage_page import tell_step

from demo_app.stack import Stack
from demo_app.stack.client import Client

HELD = 4


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Four jobs were rescued, and wait in a queue that is held, before many others."""
    patient = {"DEMO_SMTP_SECONDS": "600"}
    with (
        Stack(workers=2, lease=3.0, controls=True, environment=patient) as stack,
        Client(stack.ready) as client,
    ):
        client.set_faults({"at": "data", "do": "wait", "seconds": 600})
        for _ in range(2):
            client.web.post("/stage/do/burst", timeout=60)
        client.wait_for(lambda now: now["running"] == 2 * HELD)
        for action in ("hold-queue", "kill-worker"):
            client.web.post(f"/stage/do/{action}")
        client.wait_for(lambda now: now["running"] == HELD and now["queued"] == 100 - HELD)
        yield stack


@pytest.fixture(autouse=True)
def _well() -> None:
    """The faults stay."""


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("size", [(1280, 720), (1024, 768), (800, 600)])
def test_no_rescued_job_hides_behind_a_number(tab, size, language: str) -> None:
    width, height = size
    view = {"width": width, "height": height}
    page = tab("/stage?show=four-minutes", viewport=view, locale=language)
    tell_step(page, "LMOVE", language)
    seated = page.locator("[data-floor=queue] .token.rescued:not(.beyond)")
    expect(seated).to_have_count(HELD)
    for token in seated.all():
        expect(token).to_be_in_viewport(ratio=1)
        box = token.bounding_box()
        assert box is not None
        assert box["height"] >= 0.08 * min(height, 0.75 * width)
    assert overlaps(page) == []
