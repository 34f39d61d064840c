"""Take the pictures of README and of the playground's page: `python tests/pictures.py`.

The demo draws the timeline. The playground is shown after the kill of a worker of stock Celery. The
dashboard is shown after the kill of a worker in the four-minute show, and the stage after the
rescue of its jobs.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect
from support import browser_running

from demo_app.stack import Stack
from demo_app.stage.show import steps

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".github"
_SIZE = {"width": 1280, "height": 720}


def timeline() -> None:
    with tempfile.TemporaryDirectory() as folder:
        demo = [sys.executable, "-m", "demo_app", "demo", "--comments", "40", "--kills", "1"]
        subprocess.run(demo, cwd=folder, check=True)
        shutil.copy(Path(folder) / "build" / "timeline.png", FOLDER)


def show() -> None:
    """Play the four-minute show up to the rescue, and store two pictures: the dashboard after the
    kill, and the stage after the rescue."""
    options = {"workers": 2, "lease": 5.0, "controls": True, "twin": True}  # as `up --show`
    with Stack(**options) as stack, browser_running() as browser:
        context = browser.new_context(viewport=_SIZE, color_scheme="light")
        token = f"token={stack.ready['token']}"
        stage, jobs = context.new_page(), context.new_page()
        jobs.goto(f"{stack.ready['web']}/jobs?{token}")
        stage.goto(f"{stack.ready['web']}/stage?show=four-minutes&{token}")
        caption = stage.locator(".caption")
        for step in steps("four-minutes", "en"):
            if not step["hold"]:
                continue
            stage.wait_for_timeout(500)  # the stage ignores a key that follows another one too soon
            stage.keyboard.press("PageDown")
            rescues = step["words"].startswith("Its lease has ended")
            if rescues:  # earlier steps, without a caption, killed the worker
                expect(jobs.locator("tr.orphan").first).to_be_visible()
                _store(jobs, "dashboard")
            expect(caption).to_contain_text(step["words"].partition("{")[0])
            expect(caption).not_to_have_class(re.compile("waits"))
            if rescues:
                stage.wait_for_timeout(3000)  # the jobs move to the queue
                _store(stage, "stage")
                return


def playground() -> None:
    with tempfile.TemporaryDirectory() as folder, browser_running() as browser:
        build = [sys.executable, "notebooks/playground/build.py", folder]
        subprocess.run(build, cwd=ROOT, check=True)
        page = browser.new_page(viewport=_SIZE, color_scheme="light", locale="en")
        page.goto(f"{(Path(folder) / 'index.html').as_uri()}#late;0.comment.;3.kill.1")
        expect(page.locator("#sum")).to_contain_text("1 ")
        _store(page, "playground")


def _store(page: Page, name: str) -> None:
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path)
    few_colours = Image.open(path).convert("P", palette=Image.Palette.ADAPTIVE, colors=64)
    few_colours.save(path, optimize=True)


if __name__ == "__main__":
    timeline()
    show()
    playground()
