"""Tests that each picture of the stage shows a state that Redis had, and has true texts."""

import re
import sqlite3
import threading
from contextlib import closing
from itertools import cycle

import pytest
from redis import RedisError
from stage.stage_page import StagePage

from demo_app.broker.events import Event
from demo_app.broker.fold import Fold
from demo_app.broker.journal import after, all_events
from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.stage.picture import SUMS, TOKENS

PICTURES = 60
#: The stage's buttons, in the order in which the test presses them in a loop. `clean` deletes all
#: comments before there are more than 5,000, because the stage counts only the newest 5,000.
ACTS = (
    *(*["burst"] * 5, "kill-worker", *["burst"] * 3, "kill-redis"),
    *(*["burst"] * 3, "wipe-redis", *["burst"] * 2, "clean"),
)
#: Dead workers are restarted. A death is found when the lease ends.
STACK = {"workers": 2, "controls": True, "lease": 1.0}


def numbers_of(stack: Stack) -> dict[str, int]:
    with closing(sqlite3.connect(stack.plan.folder.path / "blog.sqlite3", timeout=30)) as blog:
        return dict(blog.execute("SELECT job_id, id FROM comments"))


def in_picture(page: StagePage, old: int) -> dict[str, object]:
    """Return a picture's jobs, each as its comment's number: the queue in order, the jobs of each
    worker, and True if each box has as many tokens as its number says.

    Args:
        old: comments up to this number are left out.
    """
    workers = {id_: {n for n in page.floor(id_) if n > old} for id_ in page.workers}
    return {
        "queue": [n for n in page.floor("queue") if n > old],
        "workers": {worker: held for worker, held in workers.items() if held},
        "boxes": all(len(page.floor(worker)) == held for worker, held in page.held.items()),
    }


def in_journal(fold: Fold, numbers: dict[str, int], seats: int) -> dict[str, object]:
    """Return the jobs of a state of the journal, in the form of `in_picture`.

    Args:
        numbers: the comment's number for each job. Jobs without a number are left out.
        seats: the maximum number of queued jobs that a picture shows.
    """
    workers = {
        one.id: {numbers[job] for job in one.held & numbers.keys()} for one in fold.workers.values()
    }
    return {
        "queue": [numbers[job] for job in fold.order if job in numbers][:seats],
        "workers": {worker: held for worker, held in workers.items() if held},
        "boxes": True,
    }


def failed_checks(page: StagePage) -> list[str]:
    """Return the names of the checks that the picture fails, such as "the sums"."""
    sums, words = {"held": 0, "discarded": 0, **page.sums}, page.in_words
    counts = {word: int(n) for n, word in re.findall(r"(\d+) (\w+)", words.partition(".")[0])}
    claims = {
        "the sums": sums["posted"] == sum(sums[name] for name in SUMS),
        "the sentence": all(counts.get(name, n) == n for name, n in sums.items()),
        "nothing is lost": sums["lost"] == 0,
        "Redis is dead": ("Redis is dead" in words) == ('class="room redis off"' in page.text),
        "who is killed": ("killed" in words) == bool(page.killed),
    }
    return [claim for claim, holds in claims.items() if not holds]


class Journal:
    """A reader of the journal. After Redis was restarted or wiped, it begins with an empty `fold`.

    Attributes:
        fold: the state after the entries that the caller has applied.
        run: an id that changes if Redis is restarted or wiped.
    """

    def __init__(self, client: Client) -> None:
        self._client, self.fold, self._last, self.run = client, Fold(), "0-0", ""

    def new_events(self) -> list[Event] | None:
        """Return the entries since the last call, or None if Redis does not reply.

        At the first call, and after Redis was restarted or wiped, empty `fold` and return None: the
        next call returns all entries.
        """
        try:
            redis = self._client.redis()
            found = after(redis, self._last) if self._last != "0-0" else list(all_events(redis))
            run = f"{redis.info('server')['run_id']} {redis.get('mark')}"
        except RedisError:
            return None
        if self.run != run:  # Redis was restarted or wiped
            self.fold, self._last, self.run = Fold(), "0-0", run
            redis.set("mark", run[-40:], nx=True)
            return None
        self._last = found[-1].id if found else self._last
        return found


def disturb(stack: Stack, stopping: threading.Event) -> None:
    with Client(stack.ready) as client:
        for act in cycle(ACTS):
            if stopping.wait(0.4):
                return
            client.web.post(f"/stage/do/{act}")


@pytest.mark.thorough
def test_no_picture_of_bursts_kills_rescues_deaths_and_wipes_is_torn_or_untrue(
    stack, client: Client, holder
) -> None:
    client.set_faults({"at": "data", "do": "wait", "seconds": 0.05})
    stopping = threading.Event()
    thread = threading.Thread(target=disturb, args=(stack, stopping))
    journal, torn, false, compared, dead = Journal(client), [], [], 0, 0
    # the inbox still shows mails from before a restart or wipe of Redis: compare only comments that
    # were posted later
    old, old_run = 0, ""
    thread.start()
    try:
        for _ in range(PICTURES):
            for entry in journal.new_events() or ():
                journal.fold.follow(entry)
            run = journal.run
            if run != old_run:
                old, old_run = max(numbers_of(stack).values(), default=0), run
            page = StagePage(holder)
            false += [(claim, page.in_words) for claim in failed_checks(page)]
            # Redis was killed, or did not reply in time
            without_redis = "Redis is dead" in page.in_words
            dead += without_redis
            known, numbers = page.sums["posted"], numbers_of(stack)
            entries = journal.new_events()
            if entries is None or journal.run != run or without_redis:
                continue
            numbers = {job: one for job, one in numbers.items() if old < one <= known}
            seats = TOKENS - sum(n <= old for n in page.floor("queue"))
            states = [in_journal(journal.fold, numbers, seats)]
            for entry in entries:
                journal.fold.follow(entry)
                states.append(in_journal(journal.fold, numbers, seats))
            shown = in_picture(page, old)
            compared += 1
            if shown not in states:
                torn.append((shown, states[0], states[-1]))
    finally:
        stopping.set()
        thread.join()
        client.set_faults()
    print(f"{PICTURES} pictures, {compared} compared, {dead} of a dead Redis, {len(torn)} torn")
    assert not false, f"{len(false)} claims are untrue: {false[0]}"
    assert compared > PICTURES / 4
    assert not torn, f"{len(torn)} of {compared} are no moment of the journal: {torn[0]}"
