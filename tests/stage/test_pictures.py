"""Every picture of the stage is one that Redis had: none is made of two moments."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from itertools import count

import httpx
import pytest
from stage.stage_page import StagePage

from demo_app.broker.events import State
from demo_app.broker.fold import Fold
from demo_app.broker.journal import Entry, after
from demo_app.stack import Stack
from demo_app.stack.client import Client
from demo_app.stage.picture import TOKENS

PICTURES = 60


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """Two workers, which are started again; a death is found when the lease has run out."""
    with Stack(workers=2, controls=True, lease=1.0) as stack:
        yield stack


def numbers_of(stack: Stack) -> dict[str, int]:
    """Each job's comment."""
    with closing(sqlite3.connect(stack.plan.folder.path / "blog.sqlite3", timeout=30)) as blog:
        return dict(blog.execute("SELECT job_id, id FROM comments"))


def in_picture(page: StagePage) -> dict[str, object]:
    """What a picture says: the queue in its order, each worker's jobs, and the sums."""
    return {
        "queue": page.floor("queue"),
        "workers": {one: set(page.floor(one)) for one in page.workers if page.floor(one)},
        "running": page.sums["running"],
        "delivered": page.sums["delivered"],
        "boxes": all(len(page.floor(worker)) == held for worker, held in page.held.items()),
    }


def in_journal(fold: Fold, numbers: dict[str, int]) -> dict[str, object]:
    """The same, from the journal up to some entry, of the comments that the picture knows."""
    workers = {
        one.id: {numbers[job] for job in one.held & numbers.keys()} for one in fold.workers.values()
    }
    states = [job.state for job in fold.jobs.values() if job.id in numbers]
    return {
        "queue": [numbers[job] for job in fold.order if job in numbers][:TOKENS],
        "workers": {worker: held for worker, held in workers.items() if held},
        "running": states.count(State.RUNNING),
        "delivered": states.count(State.DONE),
        "boxes": True,
    }


def moments(
    fold: Fold, entries: list[Entry], numbers: dict[str, int]
) -> Iterator[dict[str, object]]:
    """What the journal says before these entries, and after each of them."""
    yield in_journal(fold, numbers)
    for entry in entries:
        fold.follow(entry)
        yield in_journal(fold, numbers)


def test_no_picture_of_bursts_kills_and_rescues_is_torn(stack, client: Client, holder) -> None:
    client.set_faults({"at": "data", "do": "wait", "seconds": 0.05})
    stopping = threading.Event()

    def disturb() -> None:
        headers = {"authorization": f"Bearer {stack.ready['token']}"}
        with httpx.Client(base_url=stack.ready["web"], headers=headers, timeout=30) as web:
            for number in count():
                if stopping.wait(0.4):
                    return
                web.post(f"/stage/do/{'kill-worker' if number % 8 == 5 else 'burst'}")

    thread = threading.Thread(target=disturb)
    redis, fold, last, torn, busy = client.redis(), Fold(), "0-0", [], 0
    thread.start()
    try:
        for _ in range(PICTURES):
            for entry in after(redis, last):
                fold.follow(entry)
                last = entry.id
            page = StagePage(holder)
            seen = in_picture(page)
            entries = after(redis, last)
            known = page.sums["posted"]
            numbers = {job: one for job, one in numbers_of(stack).items() if one <= known}
            told = list(moments(fold, entries, numbers))
            last = entries[-1].id if entries else last
            busy += bool(seen["workers"])
            if seen not in told:
                torn.append((seen, told[0], told[-1]))
    finally:
        stopping.set()
        thread.join()
        client.set_faults()
    assert busy > PICTURES / 4
    assert not torn, f"{len(torn)} of {PICTURES} are no moment of the journal: {torn[0]}"
