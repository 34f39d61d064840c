"""A queue in any language can be judged: those of the judge's page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from programs import NODE, PERL, RUBY, Program, needs

from demo_app.judge.judge import Judge, Verdict
from demo_app.judge.target import CannotJudge
from demo_app.judge.targets import target_of

#: What runs each. No CI installs Go, which is large: its own is tried where it is found.
LANGUAGES: dict[str, Program | None] = {
    "perl": PERL, "ruby": RUBY, "javascript": NODE, "python": None,
    **({"go": None} if shutil.which("go") else {}),
}  # fmt: skip
PAGE = Path(__file__).resolve().parents[2] / "notebooks" / "reference" / "judge.md"


def _judged(command: str, *levels: int) -> list[Verdict]:
    with Judge(target_of(f"command:{command}"), seconds=0.0, patience=4.0) as judge:
        return list(judge.judge(levels))


@pytest.mark.thorough
@pytest.mark.timeout(300)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_example_holds_the_levels_that_its_page_says_and_no_more(
    tmp_path: Path, language: str
) -> None:
    if program := LANGUAGES[language]:
        needs(program)
    page = PAGE.read_text("utf-8").partition("## A queue in any language")[2]
    example = re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert example is not None
    path = tmp_path / "my queue"
    path.write_text(example[1], "utf-8")
    path.chmod(0o755)
    if language == "go":
        source = path.rename(tmp_path / "main.go")
        environment = {**os.environ, "GOCACHE": f"{tmp_path}/cache"}
        subprocess.run(["go", "build", "-o", path, source], env=environment, check=True)
    # they are one queue in five languages: what holds is asked of all levels once
    held = (1, 2, 3, 4) if language == "perl" else (1,)
    verdicts = _judged(f"'{path}'", *held, 5)
    assert [verdict.held for verdict in verdicts] == [*(True for _ in held), False]
    assert "job-1 was nowhere" in verdicts[-1].why


@pytest.mark.timeout(300)
def test_a_command_that_ends_and_what_is_no_message_are_named(tmp_path: Path) -> None:
    (verdict,) = _judged("sh -c 'echo hello; exit 3'", 3)
    assert "the command ended with exit status 3" in verdict.why
    assert "no message: 'hello" in str(verdict.as_json()["history"])


@pytest.mark.parametrize(
    ("command", "words"),
    [("./no-such-queue", "no program ./no-such-queue"), ("'", "no command"), ("", "no command")],
)
def test_what_is_no_command_cannot_be_judged(command: str, words: str) -> None:
    with pytest.raises(CannotJudge, match=words):
        target_of(f"command:{command}")
