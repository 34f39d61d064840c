"""Tests that compare stock Celery with this project after the same kill."""

import re

import pytest
import redis
from stage.stage_page import StagePage, press
from support import until

from demo_app.broker import journal
from demo_app.stack import Stack, StackError
from demo_app.stack.client import Client

#: The show's workers: two of ours and one of stock Celery. Dead ones are restarted.
STACK = {"workers": 2, "controls": True, "twin": True}


def counts_of(page: StagePage, whose: str) -> dict[str, int]:
    """Return one side's number of jobs in each state.

    Args:
        whose: "twin" (stock Celery) or "ours".
    """
    found = re.findall(rf'data-{whose}="(\w+)" data-count="(\d+)"', page.text)
    return {place: int(count) for place, count in found}


def test_after_the_same_kill_ours_are_delivered_and_stocks_are_held_back(
    holder, client: Client, stack
) -> None:
    before = stack.ready["pids"]
    press(holder, "twin")
    client.comment()  # a reader's comment, which the comparison must not count
    events = [(entry.event, entry.by, entry.detail) for entry in journal.all_events(client.redis())]
    killed = next(number for number, entry in enumerate(events) if entry[0] == "worker_killed")
    taken = [by for event, by, _ in events[:killed] if event == "claimed"]
    assert taken == 4 * [events[killed][2]], "as stock's: one worker with four jobs, four that wait"
    all_ = {"waiting": 0, "running": 0, "held": 0, "delivered": 8, "lost": 0}
    until(lambda: counts_of(StagePage(holder), "ours") == all_, 60, "all of ours")
    expected = {**all_, "held": 4, "delivered": 4}
    until(lambda: counts_of(StagePage(holder), "twin") == expected, 60, "what stock holds back")
    page = StagePage(holder)
    assert page.sums["lost"] == 0
    events = re.search(r"back in (\d+) min: visibility timeout", page.text)
    assert events
    assert 50 <= int(events[1]) <= 60
    after = stack.ready["pids"]
    assert before["stock"] != after["stock"]
    assert before["worker"] != after["worker"]
    stack.kill("redis", restart=False)
    try:
        page = StagePage(holder)
    finally:
        stack.start("redis")
    assert "Redis is dead" in page.in_words
    assert counts_of(page, "twin") == expected, "as they were"
    press(holder, "new-round")
    assert set(counts_of(StagePage(holder), "twin").values()) == {0}


def test_a_twin_wants_the_bundled_redis() -> None:
    with pytest.raises(StackError, match="Redis URL"):
        Stack(twin=True, redis_url="redis://127.0.0.1:1/0")


ODD = (
    *(("set", "stock-worker:odd", worker) for worker in ("[]", "x", "[" * 50_000)),
    *(("set", "stock-worker:odd", f'{{"since": {since}, "pid": {pid}}}')
      for since in ("9e9", "1e999", '"x"') for pid in ("1", '"x"', "[]", "-5")),
    *(("hset", "twin:posted", "odd", number) for number in ("x", "-1", "\u00b2", "9" * 5_000)),
    ("rpush", "twin:posted", "x"),
    ("set", "unacked_index", "x"),
    *(("hset", "unacked", "odd", one) for one in ("x", "[]", "[7]", "{}", '[{"headers": 7}]')),
    ("zadd", "unacked_index", "inf", "odd"),
)  # fmt: skip


@pytest.mark.parametrize("command", ODD, ids=range(len(ODD)))
def test_an_odd_record_of_stock_celery_leaves_the_stage_usable(
    client, stack, holder, command
) -> None:
    path = client.redis().connection_pool.connection_kwargs["path"]
    with redis.Redis(unix_socket_path=path, db=1) as stocks:
        before = stocks.dump(key := command[1])
        stocks.delete(key)
        stocks.execute_command(*command)
        answer = holder.get("/stage")
        stocks.delete(key)
        if before:
            stocks.restore(key, 0, before)
    assert answer.is_success
