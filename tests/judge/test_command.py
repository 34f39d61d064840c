"""Tests of queues in other languages: the starters that the judge's page links to."""

import re
import shlex
import shutil
import socket
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from programs import NODE, RUBY, Program, needs
from support import changed, most_nightly

from demo_app.judge.coverage import BLIND
from demo_app.judge.judge import Judge, Verdict
from demo_app.judge.plan import Plan
from demo_app.judge.targets import CannotJudge, target_of
from demo_app.judge.trial import Trial

#: The program that runs each starter, or None if the starter is executed directly. Sidekiq's
#: starter is included only if Sidekiq is installed, because CI does not install it.
STARTERS: dict[str, Program | None] = {
    "starter.rb": RUBY, "starter.js": NODE, "starter.py": None,
    **({"sidekiq.rb": RUBY} if shutil.which("sidekiq") else {}),
}  # fmt: skip
#: Starters and levels. The files `starter.*` contain the same queue in different languages, so
#: one of them is enough for the levels above 1.
CASES = [*((name, [1]) for name in STARTERS), ("starter.py", [2, 5]), ("starter.py", [3, 4])]
FOLDER = Path(__file__).resolve().parents[2] / "notebooks" / "challenges" / "starters"


def _judged(command: list[str], *levels: int) -> list[Verdict]:
    with Judge(target_of(f"command:{shlex.join(command)}"), seconds=0.0, patience=4.0) as judge:
        return list(judge.judge(levels))


@pytest.mark.thorough
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("name", "levels"), most_nightly(CASES, ("starter.js", [1]), ("starter.py", [2, 5]))
)
def test_a_starter_passes_levels_1_to_4_and_fails_level_5(name: str, levels: list[int]) -> None:
    program = STARTERS[name]
    command = [needs(program)] if program else []
    verdicts = _judged([*command, str(FOLDER / name)], *levels)
    assert [verdict.held for verdict in verdicts] == [level < 5 for level in levels]
    if levels[-1] == 5:
        assert "job-1 was nowhere" in verdicts[-1].why


@pytest.mark.timeout(300)
def test_a_level_is_not_tested_if_no_waiting_job_was_seen_in_the_store(tmp_path: Path) -> None:
    path = tmp_path / "hex.py"
    in_hex = {
        '"queue", job)': '"queue", job.encode().hex())',
        "say(run=job)": "say(run=bytes.fromhex(job).decode())",
    }
    path.write_text(changed((FOLDER / "starter.py").read_text("utf-8"), in_hex), "utf-8")
    (verdict,) = _judged([sys.executable, str(path)], 6)
    assert (verdict.held, verdict.why) == (None, BLIND)


@pytest.mark.timeout(300)
def test_a_command_that_ends_and_an_invalid_message_are_named(tmp_path: Path) -> None:
    (verdict,) = _judged(["sh", "-c", "echo hello; exit 3"], 9)
    assert "the command ended with exit status 3" in verdict.why
    assert "no message: 'hello" in str(verdict.as_json()["history"])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("./no-such-queue", "no program ./no-such-queue"),
        ("'", "not a valid command"),
        ("", "not a valid command"),
    ],
)
def test_an_invalid_command_cannot_be_judged(command: str, words: str) -> None:
    with pytest.raises(CannotJudge, match=words):
        target_of(f"command:{command}")


def test_a_programs_server_wants_a_password() -> None:
    with (
        closing(target_of("command:sleep 60")) as target,
        Trial(target, Plan(1), 6.0, threading.Event()) as trial,
    ):
        part = trial.start("w1")
        found = re.fullmatch(r"redis://:(\w{32})@127.0.0.1:(\d+)/0", part.role.url)
        assert found
        with socket.create_connection(("127.0.0.1", int(found[2])), 20) as stranger:
            stranger.sendall(b"PING\r\n")
            assert stranger.recv(100).startswith(b"-NOAUTH")
