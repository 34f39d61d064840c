"""Every picture of the stage is one that Redis had, and what it says of itself is true."""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
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

#: PICTURES=600 looks longer.
PICTURES = int(os.environ.get("PICTURES", "60"))
#: What happens one after the other, and again; the journal does not tell of what is done to Redis.
#: The stage counts the newest 5,000 comments only: each time it begins anew.
BLOWS = (
    *(*["burst"] * 5, "kill-worker", *["burst"] * 3, "kill-redis"),
    *(*["burst"] * 3, "wipe-redis", *["burst"] * 2, "clean"),
)
#: Two workers, which are started again; a death is found when the lease has run out.
STACK = {"workers": 2, "controls": True, "lease": 1.0}


def numbers_of(stack: Stack) -> dict[str, int]:
    """Each job's comment."""
    with closing(sqlite3.connect(stack.plan.folder.path / "blog.sqlite3", timeout=30)) as blog:
        return dict(blog.execute("SELECT job_id, id FROM comments"))


def in_picture(page: StagePage, old: int) -> dict[str, object]:
    """What a picture says of the comments after `old`: the queue in its order, each worker's jobs,
    and whether its box has as many as it says."""
    workers = {one: {n for n in page.floor(one) if n > old} for one in page.workers}
    return {
        "queue": [n for n in page.floor("queue") if n > old],
        "workers": {worker: held for worker, held in workers.items() if held},
        "boxes": all(len(page.floor(worker)) == held for worker, held in page.held.items()),
    }


def in_journal(fold: Fold, numbers: dict[str, int], seats: int) -> dict[str, object]:
    """The same, from the journal up to some entry, of these comments. seats: how many of them a
    long queue shows, beside older ones."""
    workers = {
        one.id: {numbers[job] for job in one.held & numbers.keys()} for one in fold.workers.values()
    }
    return {
        "queue": [numbers[job] for job in fold.order if job in numbers][:seats],
        "workers": {worker: held for worker, held in workers.items() if held},
        "boxes": True,
    }


def moments(
    fold: Fold, entries: list[Event], numbers: dict[str, int], seats: int
) -> Iterator[dict[str, object]]:
    """What the journal says before these entries, and after each of them."""
    yield in_journal(fold, numbers, seats)
    for entry in entries:
        fold.follow(entry)
        yield in_journal(fold, numbers, seats)


def untrue(page: StagePage) -> list[str]:
    """What a picture says of itself that its tokens and numbers do not."""
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
    """Follows the journal beside the pictures; lost when Redis died or was wiped."""

    def __init__(self, client: Client) -> None:
        self._client, self.fold, self._last, self.run = client, Fold(), "0-0", ""

    def news(self) -> list[Event] | None:
        """What came since the last time; None when nobody can say."""
        try:
            redis = self._client.redis()
            found = after(redis, self._last) if self._last != "0-0" else list(all_events(redis))
            run = f"{redis.info('server')['run_id']} {redis.get('mark')}"
        except RedisError:
            return None
        if self.run != run:  # begin anew, and compare from the next picture on
            self.fold, self._last, self.run = Fold(), "0-0", run
            redis.set("mark", run[-40:], nx=True)
            return None
        self._last = found[-1].id if found else self._last
        return found


def disturb(stack: Stack, stopping: threading.Event) -> None:
    with Client(stack.ready) as client:
        for blow in cycle(BLOWS):
            if stopping.wait(0.4):
                return
            client.web.post(f"/stage/do/{blow}")


@pytest.mark.thorough
def test_no_picture_of_bursts_kills_rescues_deaths_and_wipes_is_torn_or_untrue(
    stack, client: Client, holder
) -> None:
    client.set_faults({"at": "data", "do": "wait", "seconds": 0.05})
    stopping = threading.Event()
    thread = threading.Thread(target=disturb, args=(stack, stopping))
    journal, torn, false, compared, dead = Journal(client), [], [], 0, 0
    # a mail that has come stays in the inbox, also when a wiped Redis is told of its job once more:
    # so only comments that came since Redis last lost something are compared
    old, old_run = 0, ""
    thread.start()
    try:
        for _ in range(PICTURES):
            for entry in journal.news() or ():
                journal.fold.follow(entry)
            run = journal.run
            if run != old_run:
                old, old_run = max(numbers_of(stack).values(), default=0), run
            page = StagePage(holder)
            false += [(claim, page.in_words) for claim in untrue(page)]
            without_redis = "Redis is dead" in page.in_words  # killed, or too slow to answer
            dead += without_redis
            known, numbers = page.sums["posted"], numbers_of(stack)
            entries = journal.news()
            if entries is None or journal.run != run or without_redis:
                continue
            numbers = {job: one for job, one in numbers.items() if old < one <= known}
            seats = TOKENS - sum(n <= old for n in page.floor("queue"))
            counts = list(moments(journal.fold, entries, numbers, seats))
            seen = in_picture(page, old)
            compared += 1
            if seen not in counts:
                torn.append((seen, counts[0], counts[-1]))
    finally:
        stopping.set()
        thread.join()
        client.set_faults()
    print(f"{PICTURES} pictures, {compared} compared, {dead} of a dead Redis, {len(torn)} torn")
    assert not false, f"{len(false)} claims are untrue: {false[0]}"
    assert compared > PICTURES / 4
    assert not torn, f"{len(torn)} of {compared} are no moment of the journal: {torn[0]}"
