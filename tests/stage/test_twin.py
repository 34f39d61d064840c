"""Stock Celery beside this project: the same comments, the same kill."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from stage.stage_page import StagePage
from support import until

from demo_app.stack import Stack, StackError
from demo_app.stack.client import Client


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    """A worker of each, which is started again."""
    with Stack(workers=1, controls=True, twin=True) as stack:
        yield stack


def stock(page: StagePage) -> dict[str, int]:
    """How many of stock Celery's jobs are where."""
    found = re.findall(r'data-twin="(\w+)" data-count="(\d+)"', page.text)
    return {place: int(count) for place, count in found}


def play(holder: httpx.Client, act: str) -> None:
    answer = holder.post(f"/stage/do/{act}", headers={"accept": "*/*"})
    assert answer.status_code == 204, answer.text


def test_both_systems_get_each_comment_and_deliver_it(holder, client: Client) -> None:
    before = client.mail_stats()["distinct"]
    play(holder, "new-round")
    play(holder, "comment")
    until(lambda: stock(StagePage(holder))["delivered"] == 1, what="stock's mail")
    until(lambda: StagePage(holder).sums["delivered"] == 1, what="our mail")
    assert client.mail_stats()["distinct"] == before + 2
    assert len({mail["subject"] for mail in client.mails(2)["messages"]}) == 1


def test_after_the_same_kill_ours_are_delivered_and_stocks_are_held_back(holder, stack) -> None:
    before = stack.ready["pids"]
    play(holder, "twin")
    until(lambda: StagePage(holder).sums["delivered"] == 8, 60, "all of ours")
    wanted = {"waiting": 0, "running": 0, "held": 4, "delivered": 4, "gone": 0}
    until(lambda: stock(StagePage(holder)) == wanted, 60, "what stock holds back")
    page = StagePage(holder)
    assert page.sums["lost"] == 0
    told = re.search(r"([\d.]+) m?s so far, back in (\d+) min", page.text)
    assert told
    assert int(told[2]) in (59, 60)
    after = stack.ready["pids"]
    assert before["stock"] != after["stock"]
    assert before["worker"] != after["worker"]


def test_a_new_round_forgets_what_stock_still_holds(holder) -> None:
    play(holder, "new-round")
    assert set(stock(StagePage(holder)).values()) == {0}


def test_without_a_twin_the_key_says_so() -> None:
    with Stack(workers=0, controls=True) as alone:
        headers = {"authorization": f"Bearer {alone.ready['token']}"}
        answer = httpx.post(f"{alone.ready['web']}/stage/do/twin", headers=headers)
    assert answer.status_code == 409
    assert "--twin" in answer.json()["detail"]


def test_a_twin_wants_the_bundled_redis() -> None:
    with pytest.raises(StackError, match="bundled Redis"):
        Stack(twin=True, redis_url="redis://127.0.0.1:1/0")
