"""Tests that a replay of the last minute shows each moment as it was."""

import re
from collections import defaultdict
from typing import Any

import pytest
from stage.stage_page import StagePage, press
from support import until

from demo_app.broker import journal
from demo_app.shared.language import Translations
from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.stage.picture import SUMS, Picture

SLOW = {"at": "data", "do": "wait", "seconds": 600}
#: Two workers. A dead worker is not restarted.
STACK = {
    "workers": 2,
    "restart": False,
    "controls": True,
    "environment": {"DEMO_SMTP_SECONDS": "600"},
}


@pytest.fixture(scope="module")
def killed(stack: Stack, client: Client) -> dict[str, Any]:
    """Kill a worker with four jobs, and wait for their rescue.

    Return the summary before the kill ("before"), all events ("events"), and the first event of
    each name, such as "killed" or "died".
    """
    client.set_faults(SLOW)
    for _ in range(12):
        client.comment()
    before = client.wait_for(lambda now: now["running"] == 8 and now["queued"] == 4)
    press(client.web, "kill-worker")
    client.wait_for(lambda now: len(now["workers"]) == 1)
    events = list(journal.all_events(client.redis()))
    client.set_faults()
    by_name = {entry.event.removeprefix("worker_"): entry for entry in reversed(events)}
    return {"before": before, "events": events, **by_name}


def test_a_kill_is_in_the_journal_at_once_and_the_supervisor_says_it_too(client, killed) -> None:
    def by() -> set[str]:
        events = list(journal.all_events(client.redis()))
        return {entry.by for entry in events if entry.event == "worker_killed"}

    until(lambda: by() == {"a person", "supervisor"}, what="both words")
    assert killed["killed"].at < killed["died"].at


def test_the_replay_shows_the_kill_and_what_the_dead_worker_held(holder, killed) -> None:
    page = StagePage(holder, killed["killed"].at - 0.01)
    assert not page.killed
    assert all(len(page.floor(worker["id"])) == 4 for worker in killed["before"]["workers"])
    page = StagePage(holder, killed["killed"].at)
    worker = killed["killed"].detail
    assert page.killed == [worker]
    assert len(page.floor(worker)) == 4
    assert page.tomb.endswith("its jobs in Redis: 4")
    events = {"posted": 12, "waiting": 4, "running": 4, "held": 4, "delivered": 0, "lost": 0}
    assert page.sums == events


def test_rescued_jobs_stand_at_the_head_in_it_the_oldest_first(holder, killed) -> None:
    page = StagePage(holder, killed["died"].at)
    worker = killed["killed"].detail
    held = StagePage(holder, killed["killed"].at).floor(worker)
    assert page.floor("queue") == [*sorted(held), 9, 10, 11, 12]
    assert re.search(r"4 jobs rescued after \d+\.\d s, 0 lost", page.tomb)
    assert not page.floor(worker)


def test_a_worker_that_was_started_later_is_not_on_the_tape(stack, client, holder, killed) -> None:
    before = StagePage(holder, killed["killed"].at).workers
    stack.start("worker")
    client.wait_for(lambda now: len(now["workers"]) == 2)
    until_then = {"at": killed["killed"].at, "until": killed["died"].at}
    page = holder.get("/stage", params=until_then).text
    assert sorted(re.findall(r'id="box-([^"]+)"', page)) == sorted(before)


def test_it_asks_for_no_key_that_does_nothing_on_a_tape() -> None:
    picture = Picture(dict.fromkeys(("posted", *SUMS), 0), defaultdict(list), {}, 0, moment=1.0)
    sentences = Translations("en", "demo_app.broker.web", "demo_app.web", "demo_app.stage")
    assert [words for words, _ in picture.in_words(sentences)] == [
        "0 posted: 0 waiting, 0 running, 0 held, 0 delivered, 0 lost."
    ]


@pytest.mark.parametrize("moment", ["inf", "1e308", "1e18", "nan", "-1"])
def test_a_moment_outside_the_recording_is_refused(holder, moment) -> None:
    assert holder.get(f"/stage?at={moment}").status_code == 422
    assert holder.get(f"/stage?at=0&since={moment}").status_code == 422
