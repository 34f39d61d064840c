"""Tests that JupyterLab opens the first lesson and does not ask about news or updates, and that a
lesson's outputs are not a change for Git."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from runpy import run_path

import httpx
import nbformat
import pytest
from nbformat.v4 import new_output
from notebooks.kernels import NOTEBOOKS
from programs import GIT, needs
from support import or_none, patience, until

from demo_app.rig import ports

CONFIG = NOTEBOOKS / "jupyter" / "config.py"


def test_it_opens_the_first_lesson_without_news_or_cut_off_names(tmp_path: Path) -> None:
    port = ports.take(0, "JupyterLab")
    command = [sys.executable, "-m", "jupyterlab", f"--config={CONFIG}", "--no-browser",
               f"--port={port}", "--IdentityProvider.token=t"]  # fmt: skip
    with (tmp_path / "log").open("w") as log:
        english = {**os.environ, "LC_ALL": "C.UTF-8"}
        server = subprocess.Popen(command, cwd=NOTEBOOKS, env=english, stdout=log, stderr=log)
    try:
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, params={"token": "t"}, timeout=30) as http:
            until(lambda: or_none(lambda: http.get("/api")), 60.0, "an answer of JupyterLab")
            assert http.get("/").headers["location"].startswith("/lab/tree/00_start_here.ipynb")
            settings = http.get("/lab/api/settings").json()["settings"]
    finally:
        server.terminate()
        server.wait(patience(30))
    defaults = {
        (one["id"].partition(":")[2], name): value.get("default")
        for one in settings
        for name, value in one["schema"].get("properties", {}).items()
    }
    assert defaults["notification", "fetchNews"] == "false"
    assert defaults["notification", "checkForUpdates"] is False
    assert defaults["browser", "showLastModifiedColumn"] is False


def test_in_a_japanese_terminal_it_opens_the_japanese_lesson(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "ja_JP.UTF-8")
    monkeypatch.setenv("PYTHONSTARTUP", "")  # pytest restores the variable, which config.py sets
    first = run_path(str(CONFIG))["c"].LabApp.default_url
    assert first == "/lab/tree/ja/00_start_here.ipynb"
    assert (NOTEBOOKS / first.removeprefix("/lab/tree/")).is_file()


@pytest.mark.parametrize("folder", ["notebooks", "notebooks/ja"])
def test_a_lesson_that_was_run_is_not_a_change(tmp_path: Path, folder: str) -> None:
    def git(*command: str) -> str:
        return subprocess.run(
            [needs(GIT), "-c", "user.name=a", "-c", "user.email=a@b", *command],
            cwd=tmp_path, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    (tmp_path / folder).mkdir(parents=True)
    shutil.copy(NOTEBOOKS.parent / ".gitattributes", tmp_path)
    lesson = tmp_path / folder / "00_start_here.ipynb"
    stored = NOTEBOOKS.parent / folder / lesson.name
    shutil.copy(stored, lesson)
    git("init", "--quiet")
    clean = shlex.join([sys.executable, str(CONFIG.with_name("clean.py"))])
    git("config", "filter.lesson.clean", clean)
    git("add", ".")
    git("commit", "--quiet", "-m", "a lesson")
    assert git("show", f"HEAD:{folder}/{lesson.name}") == stored.read_text()

    notebook = nbformat.read(lesson, as_version=4)
    notebook.cells[1].outputs = [new_output("stream", text="ok")]
    notebook.cells[1].execution_count = 1
    notebook.metadata.language_info["version"] = "3.99"
    nbformat.write(notebook, lesson)
    assert git("diff") == ""
    git("add", ".")
    assert git("status", "--porcelain") == ""
    notebook.cells[1].source = "doctor()  # mine"
    nbformat.write(notebook, lesson)
    assert lesson.name in git("status", "--porcelain")
