"""The picture for the README: the stage, a moment after a worker was killed.

``python tests/web/hero.py docs/stage.png``; needs Chromium, and the test extra.
"""

from __future__ import annotations

import shutil
import sys

from playwright.sync_api import expect, sync_playwright

from demo_app.stack import Stack
from demo_app.stack.client import Client

CONTROLS = {"DEMO_CONTROLS": "1"}
SIZE = {"width": 1280, "height": 720}


def main(path: str) -> None:
    """Play the act, and write the picture there."""
    with (
        Stack(workers=2, controls=True) as stack,
        Client(stack.ready) as client,
        sync_playwright() as running,
    ):
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(viewport=SIZE, device_scale_factor=2, locale="en")
        cookie = {"name": "demo_token", "value": stack.ready["token"], "url": stack.ready["web"]}
        context.add_cookies([cookie])
        page = context.new_page()
        page.goto(f"{stack.ready['web']}/stage")
        client.set_faults({"at": "data", "do": "wait", "seconds": 1.5})
        page.keyboard.press("b")
        expect(page.locator("[data-floor=inbox] .token").nth(7)).to_be_attached(timeout=30_000)
        page.keyboard.press("w")
        expect(page.locator(".box.off .token").nth(2)).to_be_attached(timeout=10_000)
        page.wait_for_timeout(500)  # what moves comes to rest
        page.screenshot(path=path)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "stage.png")
