"""Tests that the judge fails every broken queue, and passes sound ones."""

import os
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from judge.broken import BROKEN, solution
from support import changed, marked, patience, until

from demo_app.judge.coverage import survey
from demo_app.judge.judge import BUSY, Judge, Verdict
from demo_app.judge.levels import LEVELS
from demo_app.judge.plan import Act, Fault, Plan
from demo_app.judge.targets import CannotJudge, target_of

pytestmark = pytest.mark.timeout(600)  # most of the time is spent waiting for leases
ALL = tuple(LEVELS)
#: The number of trials of a level in a sample.
SAMPLE = 2
#: Lines for `rescue`: the third worker is slow.
_NAP = """        import time
        time.sleep({} * (worker == "w3"))"""


def sample(patch: pytest.MonkeyPatch, *levels: int) -> None:
    """Reduce the trials of the levels to a small, fixed sample."""
    for number in levels:
        level = LEVELS[number]

        def plans(steps: Sequence[str], every=level.plans) -> list[Plan]:  # type: ignore[no-untyped-def]
            found = every(steps)
            return random.Random(7).sample(found, min(SAMPLE, len(found)))

        patch.setitem(LEVELS, number, replace(level, plans=plans))


def verdicts(path: Path, levels: Sequence[int]) -> list[Verdict]:
    target = target_of(f"{path}:MyQueue")
    # more than the lease of 8 s in a challenge's solution
    with Judge(target, seconds=0.0, at_once=5, patience=patience(9.5)) as judge:
        return list(judge.judge(levels))


def verdict_on(folder: Path, text: str, level: int) -> Verdict:
    (queue := folder / "queue_of_mine.py").write_text(text)
    (verdict,) = verdicts(queue, [level])
    return verdict


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("a sample", marks=pytest.mark.thorough),
        pytest.param("all", marks=pytest.mark.nightly),
    ],
)
def held(request: pytest.FixtureRequest) -> dict[int, Verdict]:
    """Judge each level's solution at its level, in parallel, and return the verdicts by level. The
    judge runs a sample of the trials; nightly, it also runs all of them."""
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor(6) as pool:
        if request.param != "all":
            sample(patch, *ALL)
        found = pool.map(lambda level: verdicts(solution(level), [level]), ALL)
        return {one.level.number: one for (one,) in found}


@pytest.fixture(scope="module")
def broken() -> dict[int, Verdict]:
    with ThreadPoolExecutor(6) as pool:
        found = pool.map(lambda one: verdicts(one[1], [one[0]]), BROKEN)
        return {one.level.number: one for (one,) in found}


@pytest.mark.nightly
def test_a_sound_queue_holds_every_level() -> None:
    sound = verdicts(solution(12), ALL)
    assert [verdict.level.number for verdict in sound] == list(ALL)
    assert [verdict.why for verdict in sound] == [""] * len(ALL)
    assert sum(verdict.count("lost") for verdict in sound) == 0


@pytest.mark.thorough
@pytest.mark.parametrize(("level", "_", "why", "hole"), BROKEN)
def test_a_broken_queue_is_caught_and_its_history_shows_the_hole(
    broken: dict[int, Verdict], level: int, _: Path, why: str, hole: str
) -> None:
    verdict = broken[level]
    assert not verdict.held
    assert re.search(why, verdict.why)
    assert verdict.failure is not None
    assert len(verdict.failure.plan.faults) <= 2, "the smallest history that shows it"
    history = verdict.as_json()["history"]
    assert all(set(line) == {"at", "who", "what", "step"} for line in history)
    text = "\n".join(f"{line['who']}: {line['what']}" for line in history)
    assert re.search(hole, text, re.DOTALL), text


def test_the_survey_of_a_queue_waits_for_the_end_of_a_rescue(tmp_path: Path) -> None:
    push = 'self.redis.rpush("queue", job)'
    slow = {push: f"{push}; __import__('time').sleep(1)"}  # the job runs and ends meanwhile
    (queue := tmp_path / "queue_of_mine.py").write_text(changed(solution(7).read_text(), slow))
    with Judge(target_of(f"{queue}:MyQueue")) as judge:
        steps, _ = survey(judge._records, stepped=True)
    assert "rescue:DEL:1:before" in steps


@pytest.mark.thorough
@pytest.mark.parametrize(("act", "nap"), [(Act.PAUSE, 6), (Act.BOTH, 9)])
def test_a_slow_worker_does_not_hide_a_job_that_two_workers_rescue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: Act, nap: int
) -> None:
    slow = {"def rescue(self, worker):": f"def rescue(self, worker):\n{_NAP.format(nap)}"}
    faults = (Fault("run:begin", Act.KILL), Fault("rescue:RPUSH:1:before", act))
    plan = Plan(8, faults=faults, later=("late-1:4.0",) if act is Act.PAUSE else (), wait_after=1.5)
    monkeypatch.setitem(LEVELS, 8, replace(LEVELS[8], plans=lambda steps: [plan]))
    verdict = verdict_on(tmp_path, changed(solution(7).read_text(), slow), 8)
    assert verdict.held is False


def test_the_lost_answer_is_that_of_the_step_although_other_threads_send_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = """        __import__("threading").Thread(target=self.talk, daemon=True).start()

    def talk(self):
        while True:
            try:
                self.redis.get("any")
            except ConnectionError:
                pass
"""
    init = "        self.redis = redis\n"
    changes = {
        init: init + busy,
        # no rescue: on a busy machine the heartbeat may be late, and a rescue would find the job
        "if redis.call('EXISTS', KEYS[2]) == 1 then return end": "if true then return end",
    }
    plan = Plan(10, ("job-1", "job-2"), (Fault("claim:BLMOVE:1:before", Act.LOSE),))
    monkeypatch.setitem(LEVELS, 10, replace(LEVELS[10], plans=lambda steps: [plan]))
    verdict = verdict_on(tmp_path, changed(solution(9).read_text(), changes), 10)
    assert "in claims:w1" in verdict.why


@pytest.mark.parametrize("level", ALL)
def test_the_solution_of_a_challenge_holds_its_level(held: dict[int, Verdict], level: int) -> None:
    assert held[level].why == ""
    assert held[level].count("lost") == 0


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ('self.redis.lindex("queue", -1)', "instead: nothing removes it from its list."),
        ("exit(1)", "it is in queue; a process of the queue ended: SystemExit: 1."),
        ('self.redis.blpop("queue")', "claim returned ('queue', 'job-1'), of the type tuple"),
    ],
)
def test_a_claim_that_removes_nothing_or_returns_no_text_or_exits_is_reported_soon(
    tmp_path: Path, claim: str, words: str
) -> None:
    first_try = changed(solution(4).read_text(), {'self.redis.rpop("queue")': claim})
    verdict = verdict_on(tmp_path, first_try, 1)
    assert words in verdict.why
    assert len(verdict.as_json()["history"]) < 30, "it does not run on and on"


def test_where_locates_jobs_in_an_unreadable_store(tmp_path: Path) -> None:
    in_hex = {
        'lpush("queue", job)': 'lpush("queue", job.encode().hex())',
        "return self": "job = self",
        'rpop("queue")': 'rpop("queue")\n        return job and bytes.fromhex(job).decode()',
    }
    where = """
    def where(self, job):
        return "my list" if job.encode().hex() in self.redis.lrange("queue", 0, -1) else None
"""
    verdict = verdict_on(tmp_path, changed(solution(4).read_text(), in_hex) + where, 6)
    assert verdict.held is False
    assert "job-1 was nowhere" in verdict.why


def test_a_class_that_follows_the_advice_of_challenge_11_holds_level_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample(monkeypatch, 4)
    text = solution(11).read_text()
    tries_at_once = text.index("        try:\n            self.relay()")
    relay = text.index("    def relay", tries_at_once)
    assert verdict_on(tmp_path, text[:tries_at_once] + text[relay:], 4).why == ""


def test_an_ack_that_also_removes_a_waiting_job_with_the_same_text_is_caught(
    tmp_path: Path,
) -> None:
    acks = 'self.redis.lrem(f"claims:{worker}", 1, job)'
    ack_all = {acks: f'{acks}\n        self.redis.lrem("queue", 0, job)'}
    assert verdict_on(tmp_path, changed(solution(7).read_text(), ack_all), 1).why == (
        "job-1:2.0 ran to its end only 1 of 2 times; it is in no key of the server; "
        "ack removes other jobs with the same text."
    )


def test_where_must_not_find_a_job_that_was_never_enqueued(tmp_path: Path) -> None:
    text = changed(solution(9).read_text(), {"redis.call('LPUSH', 'dead', job)": ""})
    liar = f'{text}\n    def where(self, job):\n        return "dead"\n'
    message = "where returned dead for a job that was never enqueued."
    assert verdict_on(tmp_path, liar, 9).why == message


def test_a_failure_on_a_machine_that_was_too_busy_is_not_a_verdict(tmp_path: Path) -> None:
    freeze = """
        frozen = Path("frozen")
        if self.job and not frozen.exists():
            frozen.write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)
        elif self.job and int(frozen.read_text()) != os.getpid():  # it has the other one's job
            os.kill(int(frozen.read_text()), signal.SIGCONT)
"""
    freezes = {
        "class MyQueue:": "import os, signal\nfrom pathlib import Path\n\n"
        "class MyQueue:\n    job = None\n",
        "return self.redis.blmove": "self.job = self.redis.blmove",
        '"RIGHT", "LEFT")\n': '"RIGHT", "LEFT")\n        return self.job\n',
        "ex=2)\n": f"ex=2){freeze}",
    }
    verdict = verdict_on(tmp_path, changed(solution(7).read_text(), freezes), 7)
    assert (verdict.held, verdict.why) == (None, BUSY)


def test_making_a_failure_small_ends_in_time() -> None:
    with Judge(target_of(f"{solution(1)}:MyQueue"), shrink=0.0) as judge:
        (verdict,) = judge.judge([2])
    assert verdict.failure is not None
    assert len(verdict.failure.plan.jobs) == 6, "as it was found"


def test_when_the_judge_is_killed_all_that_it_started_ends_with_it(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "demo_app", "judge", f"{BROKEN[0][1]}:MyQueue"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    judge = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    until(lambda: len(marked("TMPDIR", tmp_path)) > 4, 120.0, "a trial")
    judge.kill()
    judge.wait()
    until(lambda: not marked("TMPDIR", tmp_path), 30.0, "the end of every process")


def test_a_class_whose_file_never_ends_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo_app.judge.targets._LOADING", 1.0)
    (tmp_path / "mine.py").write_text("while True:\n    pass\n")
    with pytest.raises(CannotJudge, match="MyQueue can't be loaded: it does not end within 1 s"):
        target_of(f"{tmp_path}/mine.py:MyQueue")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("class MyQueue:\n    def put(self, job)\n        pass\n",
         "mine.py:MyQueue can't be loaded: SyntaxError: expected ':', at its line 2."),
        ("class MyQueue:\n    jobs = jobz\n",
         "mine.py:MyQueue can't be loaded: NameError: name 'jobz' is not defined, at its line 2."),
    ],
)  # fmt: skip
def test_a_class_that_cannot_be_loaded_is_reported_with_its_line(
    tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(CannotJudge) as message:
        target_of(f"{tmp_path}/mine.py:MyQueue")
    assert str(message.value) == words
    assert message.value._render_traceback_() == [words], "and no more than that in a notebook"
