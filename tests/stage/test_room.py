"""Tests of the room page with 12 phones without a token. Each tap on a phone posts a comment and a
vote."""

import re
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from stage.stage_page import StagePage, press
from support import until

from demo_app.stack import Stack
from demo_app.stack.client import Client

PHONES = 12
GUESSES = ("gone", "late", "twice")
#: The test kills one worker, and the other worker rescues its jobs.
STACK = {"workers": 2, "lease": 10.0, "controls": True}


def place_on(page: httpx.Response) -> str:
    found = re.search(r'data-place="(\w+)"', page.text)
    return found[1] if found else ""


@pytest.mark.thorough
def test_a_dozen_phones_see_their_jobs_die_with_a_worker_and_their_mails_come(
    reader: httpx.Client, holder: httpx.Client, client: Client
) -> None:
    client.set_faults({"at": "data", "do": "wait", "seconds": 8})
    with ThreadPoolExecutor(PHONES) as phones:

        def tap(number: int) -> str:
            guess = {"guess": GUESSES[number % 3]}
            answer = reader.post("/room", data=guess, follow_redirects=True)
            assert re.search(r"Your job: \d+", answer.text), "each has a number of its own"
            assert place_on(answer) in ("waiting", "running"), "this round is not over"
            return f"{answer.url}"

        pages = list(phones.map(tap, range(PHONES)))
        assert len(set(pages)) == PHONES

        def places() -> list[str]:
            return list(phones.map(lambda page: place_on(reader.get(page)), pages))

        until(lambda: places().count("running") == 8, what="two busy workers")
        press(holder, "kill-worker")
        until(lambda: places().count("held") == 4, what="the jobs of the dead worker")
        client.set_faults()
        until(lambda: places().count("delivered") == PHONES, what="every mail")
    assert StagePage(holder).sums["lost"] == 0
    press(holder, "new-round")
    until(lambda: place_on(reader.get(pages[0])) == "over", what="the end of the round")


def test_a_tap_is_one_of_three_words(reader: httpx.Client) -> None:
    assert reader.post("/room", data={"guess": "<script>"}).status_code == 422
    assert "Your job" not in reader.get("/room?job=no-such-job").text


def test_a_phone_has_one_vote_which_it_may_change_until_it_taps_too_often() -> None:
    anywhere = {"DEMO_WEB_HOST": "0.0.0.0"}
    limits = {"DEMO_COMMENT_BURST": "4", "DEMO_COMMENTS_PER_SECOND": "0.001"}
    with Stack(workers=0, environment=anywhere | limits) as alone, Client(alone.ready) as client:
        room = f"{alone.ready['web']}/room"
        with httpx.Client() as phone:
            for guess in ("gone", "late", "late"):
                assert phone.post(room, data={"guess": guess}).status_code == 303
        tapped = [httpx.post(room, data={"guess": "late"}).status_code for _ in range(2)]
        assert tapped == [303, 429]
        page = client.web.get("/stage?show=four-minutes").text
    assert dict(re.findall(r'data-votes="(\w+)">(\d+)<', page)) == {
        "gone": "0", "late": "2", "twice": "0",
    }  # fmt: skip
