"""Blog, dashboard, stage and inbox behind JupyterLab's proxy and a base path, as on Binder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect
from support import patience, until

from demo_app.stack.ports import take

CONFIG = """
from demo_app.web import jupyter
c = get_config()
c.ServerProxy.servers = {"demo-app": jupyter.blog(), "demo-inbox": jupyter.inbox(),
                         "demo-jobs": jupyter.dashboard(), "demo-stage": jupyter.stage()}
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A JupyterLab under /user/somebody/, without a password."""
    folder = tmp_path_factory.mktemp("jupyter")
    (folder / "jupyter_server_config.py").write_text(CONFIG)
    port = take(0, "JupyterLab")
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root"]
    command += [f"--port={port}", "--ServerApp.base_url=/user/somebody/"]
    command += ["--IdentityProvider.token=", f"--ServerApp.root_dir={folder}"]
    command += [f"--config={folder}/jupyter_server_config.py"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=Path.cwd())
    url = f"http://127.0.0.1:{port}/user/somebody/"
    try:
        until(lambda: _answers(url), seconds=60, what="JupyterLab")
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(patience(30))


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}api").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.thorough
def test_all_four_work_behind_a_base_path(base: str, chromium) -> None:
    wrong: list[str] = []
    page = chromium.new_context(locale="en").new_page()
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("response", lambda answer: answer.status >= 400 and wrong.append(answer.url))
    page.goto(f"{base}demo-app/", timeout=90_000)
    page.get_by_role("link", name="First in, first out").click()
    page.get_by_label("Name").fill("Aoi")
    page.get_by_label("E-mail").fill("aoi@example.test")
    page.get_by_role("textbox", name="Comment").fill("From behind a proxy.")
    page.get_by_role("button", name="Post the comment").click()
    expect(page.locator("#travel-said")).to_contain_text("Björn has the mail")
    page.get_by_role("link", name="See its job").click()
    expect(page.locator(".badge")).to_have_text("done")
    page.get_by_role("link", name="Stage").click()
    expect(page.locator(".box").first).to_be_attached()
    expect(page.locator("#replay")).to_be_visible()  # the page's script runs
    page.keyboard.press("c")
    expect(page.locator("[data-sum=delivered]")).to_have_text("2")
    page.get_by_role("link", name="Jobs").click()
    expect(page.locator("#state-done b")).to_have_text("2")
    page.get_by_role("link", name="Inbox").click()
    page.wait_for_url("**/user/somebody/demo-inbox/**")
    expect(page.locator("#mails li")).to_have_count(2)
    assert not wrong
    page.context.close()


def test_the_cards_that_jupyter_is_told_of_are_there() -> None:
    told = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))
    cards = told["project"]["entry-points"]["jupyter_serverproxy_servers"]
    from demo_app.web import jupyter

    for value in cards.values():
        card = getattr(jupyter, value.partition(":")[2])()
        assert card["launcher_entry"]["path_info"].startswith(("demo-app/", "demo-inbox/"))
        assert os.path.exists(card["launcher_entry"]["icon_path"])
