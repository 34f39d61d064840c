"""Tests that each rung of the learner's app, and each wrong app, fails the expected trials."""

import math
import smtplib
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import httpx
import psutil
import pytest
from notebooks.own_apps import ANSWER, APPS, BREAKS, REDIS, WAITS, WEB, WORKER, source
from support import changed, most_thorough, until

from demo_app.rig import ports
from demo_app.rig.polling import Stillness
from demo_app.rig.process import is_alive
from lab import own_app, trials
from lab.capstone import RUNGS, try_out
from lab.own_app import OwnApp
from lab.running import Lab
from lab.show import LabError

#: The trials that each rung fails.
FAILS = {
    "1_inline": [WAITS, BREAKS, WEB],
    "2_thread": [BREAKS, WEB],
    "3_early": [WORKER, BREAKS, REDIS, WEB],
    "4_late": [WORKER, REDIS, WEB, ANSWER],
    "5_claims": [REDIS, WEB, ANSWER],
    "6_outbox": [ANSWER],
    "7_message_id": [],
}


@pytest.mark.nightly
@pytest.mark.timeout(400)
@pytest.mark.parametrize("rung", sorted(FAILS))
def test_a_rung_loses_what_the_next_one_keeps(lab: Lab, rung: str) -> None:
    """Nightly only, since the test of lesson 12 already runs the lowest and the highest rung."""
    (path,) = (path for path in RUNGS if path.stem == rung)
    tried = try_out(lab, path)
    assert [trial.name for trial in tried.trials if trial.held is False] == FAILS[rung]
    rows = {trial.name: trial for trial in tried.trials}
    if rung == "3_early":
        assert rows[WORKER].ledger.lost, "it is lost, and not only late"
    if rung == "4_late":
        assert not rows[WORKER].ledger.lost
        assert rows[WORKER].ledger.late


@pytest.mark.nightly
@pytest.mark.timeout(400)
@pytest.mark.parametrize("name", sorted(APPS))
def test_an_app_that_is_right_in_another_way_passes_and_one_that_looks_right_does_not(
    lab: Lab, name: str, tmp_path: Path
) -> None:
    _, fails, may_fail = APPS[name]
    (path := tmp_path / "my_app.py").write_text(source(name), "utf-8")
    tried = try_out(lab, path)
    failed = {one.name: one for one in tried.trials if not one.held}
    assert fails <= {*failed} <= fails | may_fail, [one.story for one in failed.values()]
    assert not [one for one in tried.trials if one.held and not one.ledger.comments]
    expected = {
        "writes inbox.txt itself": "inbox.txt had",
        "relay ends when Redis is away": "The relay ended by itself.",
        "delay inside the transaction": "stored: 0.",
        "hands nothing over": "last seen in Redis or in your outbox",
    }
    if name in expected:
        assert expected[name] in failed[REDIS].story


@pytest.mark.thorough
@pytest.mark.timeout(120)
def test_a_relay_that_ends_later_is_started_again_and_reported_once(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    text, loop, _ = _RUNG.partition('if __name__ == "__main__":\n')
    ends = "    while not os.path.exists('stop'):\n        time.sleep(0.05)\n    print('over')\n"
    expected = "The relay of your app has ended by itself. The last line of its log: over"
    with closing(OwnApp(lab, f"{text}{loop}{ends}")) as app:
        app.settle("nothing")
        assert capsys.readouterr().out == ""
        (app.program.folder / "stop").touch()
        for _ in range(2):
            ending = app.running["relay"]
            until(lambda: not ending.alive, what="the relay's end")  # noqa: B023
            with pytest.raises(LabError, match=expected):
                app.all_run()
            app.settle("nothing")
            assert app.running["relay"] is not ending
        assert capsys.readouterr().out == f"{expected}\nIt was started again.\n"


_RUNG = RUNGS[-1].read_text("utf-8")
_PAGE = _RUNG[_RUNG.index('@web.get("/comments")') :].partition("\n\n")[0]
_LAST = len(_RUNG.splitlines()) + 2  # the number of the line after the rung and `import sys`
#: The content of a file that is not an app yet, and a part of the error that the learner reads.
NO_APP = {
    "import nothing_of_this_name": r"can't be imported: ModuleNotFoundError: .*, line 1",
    "class Inbox: ...": "does not define the name 'web'",
    "raise SystemExit": "can't be imported: its code exits Python during the import",
    f"{_RUNG}import sys\nif 'worker' in sys.argv: raise OSError('no worker today')\n": (
        f"did not start: .*OSError: no worker today, line {_LAST}$"
    ),
    f"{_RUNG}import sys\nif 'uvicorn' in sys.argv[0]: 1 / 0\n": (
        f"did not start: ZeroDivisionError: .*, line {_LAST}$"
    ),
    _RUNG.replace(_PAGE, '@web.get("/comments")\ndef page():\n    return [1]'): (
        r"GET /comments of your app must return a list of texts, and returned \[1\]"
    ),
    _RUNG.replace(_PAGE, '@web.get("/comments")\ndef page():\n    return 1 / 0'): (
        r"GET /comments .* fails .*ZeroDivisionError: .*, line"
    ),
    "\xff": "can't be read: .*utf-8",
}


def test_an_app_whose_import_does_not_end_is_an_error(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_app, "_IMPORT", 3.0)
    path, reserved = tmp_path / "my_app.py", {*ports._reservations}
    path.write_text("import time\ntime.sleep(600)")
    with pytest.raises(LabError, match="can't be imported: it does not end within 3 s"):
        try_out(lab, path)
    assert reserved == {*ports._reservations}


_ONE_ID = {"<comment-{number}@example.test>": "<comment@example.test>"}
#: Mistakes, and the sentence of the story that names the mistake.
CAUSES: dict[str, tuple[dict[str, str], str]] = {
    "each mail replaces the file": (
        {'"inbox.txt", "a"': '"inbox.txt", "w"'},
        "of inbox.txt disappeared",
    ),
    "no line breaks": ({"Subject']}\\n": "Subject']}"}, "has the line “worker 0worker 1”"),
    "one Message-ID": (_ONE_ID, "“worker 0” and “worker 1” have the same Message-ID"),
}


@pytest.mark.parametrize("mistake", most_thorough(CAUSES, "no line breaks"))
def test_the_story_of_a_trial_names_the_learners_mistake(lab: Lab, mistake: str) -> None:
    changes, cause = CAUSES[mistake]
    with closing(OwnApp(lab, changed(_RUNG, changes))) as app:
        app.post("worker 0")
        until(lambda: app.arrived("worker"), what="the first mail")
        app.post("worker 1")
        until(lambda: cause in str(trials._causes(app, "worker", app.page("worker"))), what=cause)


@pytest.mark.thorough
def test_a_file_that_is_not_yet_an_app_is_refused_with_the_reason(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "my_app.py"
    for text, expected in NO_APP.items():
        path.write_text(text, "latin-1")
        with pytest.raises(LabError, match=expected):
            try_out(lab, path)
        children = psutil.Process().children(recursive=True)
        commands = [" ".join(child.cmdline()) for child in children if is_alive(child.pid)]
        assert "my_app" not in str(commands), "the parts of an app that does not start are ended"


@pytest.mark.thorough
def test_a_page_that_is_wrong_is_an_error_of_the_learner_and_odd_files_are_not(lab: Lab) -> None:
    breaks = _PAGE.replace("def page():", "def page():\n    if os.path.exists('broken'): 1 / 0")
    with closing(OwnApp(lab, _RUNG.replace(_PAGE, breaks))) as app:
        httpx.post(f"{app._url}/comments", data={"text": "waits 0"}).raise_for_status()
        with pytest.raises(LabError, match="shows “waits 0” more often than it was posted"):
            app.page("waits")
        with smtplib.SMTP("127.0.0.1", app.proxy.port, timeout=20) as client:
            client.sendmail("a@example.test", ["b@example.test"], "subject:waits 1\n\n")
        assert len(app.sent["waits 1"]) == 1
        (app.program.folder / "broken").touch()
        with pytest.raises(LabError, match=r"500 .*ZeroDivisionError: division by zero, line \d+$"):
            app.page("waits")
        (app.program.folder / "notes.db").write_text("These are notes, and no database.")
        assert app.in_outbox() in (0, 1)
        (app.program.folder / "inbox.txt").write_bytes(b"breaks \xff\n")
        assert app.arrived("breaks") == {"breaks \ufffd": 0}


@pytest.mark.thorough
def test_the_wait_ends_though_mails_come_for_ever_and_begins_again_with_a_new_worker(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(OwnApp(lab, _RUNG)) as app:
        with monkeypatch.context() as patch:
            patch.setattr(own_app, "_LONGEST", 1.0)
            patch.setattr(app, "arrived", lambda _: Counter({"answer 0": time.monotonic_ns()}))
            ledger, twice = app.settle("answer")
        assert (ledger.comments, twice) == (0, 1)
        monkeypatch.setattr(own_app, "Stillness", RecordedStillness)
        monkeypatch.setattr(RecordedStillness, "values", [])
        app.settle("answer")
        app.kill("worker")
        app.restart("worker")
        app.settle("answer")
    first, second = RecordedStillness.values
    assert second != first, "the worker's restart is a change"


class RecordedStillness(Stillness):
    """A measurement that records its values. It ends the wait of `settle` at once."""

    values: ClassVar[list[object]] = []

    def seconds(self, value: object) -> float:
        self.values.append(value)
        return math.inf


@pytest.mark.thorough
def test_redis_runs_after_an_interrupted_trial(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(OwnApp(lab, _RUNG)) as app:

        def interrupt(*_: str) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(app, "post", interrupt)
        with pytest.raises(KeyboardInterrupt):
            trials._redis_down(app)
        assert lab.redis.ping()
        monkeypatch.setattr(app, "post", lambda text: text == "relay 2" and interrupt())
        monkeypatch.setattr(trials, "_ROUNDS", 0.1)
        monkeypatch.setattr(trials, "_SOON", 0.1)
        with pytest.raises(KeyboardInterrupt):
            trials._relay_killed(app)
        assert lab.redis.ping()
