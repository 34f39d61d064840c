"""Tests of the dashboard without JavaScript: order, search, confirmations, limits."""

import json
import re
import sqlite3
import time
from contextlib import closing
from html import unescape
from importlib.resources import files
from typing import Any

import httpx
import pytest
from support import message, until

from demo_app.broker.claim import Disposition
from demo_app.broker.message import Message
from demo_app.broker.queue import Queue
from demo_app.shared.language import Translations
from demo_app.stack import Stack
from demo_app.stack.client import Client


@pytest.fixture(autouse=True)
def _empty(client: Client, stack: Stack) -> None:
    """Wait until the outbox is empty, then delete all jobs, but not the workers' keys."""
    with closing(sqlite3.connect(stack.plan.folder.path / "blog.sqlite3")) as blog:
        until(lambda: blog.execute("SELECT 1 FROM outbox").fetchone() is None, what="all mails")
    redis: Any = client.redis()
    kept = ("worker", "server", "wake")
    for key in redis.scan_iter():
        if not key.startswith(kept):
            redis.delete(key)


def died(client: Client, number: int, error: str = "boom") -> str:
    """Create a dead job (a worker has claimed it, and given it up). Return its id."""
    store = Queue(client.redis())
    job = message(number, queue="elsewhere")
    store.enqueue(job, by="test")
    store.register("tester", 600_000, "{}")
    (claimed,) = store.claim("tester", ["elsewhere"])
    output = json.dumps({"error": "tests.Boom", "traceback": f"Traceback\ntests.Boom: {error}"})
    store.finish(claimed.claim, Disposition.DEAD, detail=output)
    store.deregister("tester")
    return job.id


def stored(client: Client, *messages: Message, due: float | None = None) -> None:
    """Enqueue jobs without the blog.

    Args:
        due: the time from which they may run (epoch seconds), or None for now.
    """
    Queue(client.redis()).enqueue_many([(one, due) for one in messages], by="test")


def ids(page: str) -> list[str]:
    return re.findall(r'<tr id="job-([^"]+)"', page)


def test_the_queue_stands_in_its_order_and_pages_fit_though_its_head_is_taken(
    client, holder
) -> None:
    stored(client, *[message(n, queue="elsewhere") for n in range(1, 31)])
    first = holder.get("/jobs/queued").text
    assert ids(first) == [f"job-{n}" for n in range(1, 26)]
    for _ in range(20):
        client.redis().lmove("queue:elsewhere", "taken", "RIGHT", "LEFT")
    [following] = re.findall(r'rel="next"[^>]*href="([^"]+)"', first)
    rest = holder.get("/jobs/queued" + unescape(following)).text
    assert ids(rest) == [f"job-{n}" for n in range(26, 31)]


def test_search_finds_by_id_task_argument_and_error(client, holder) -> None:
    one, two = died(client, 1, "no such user"), died(client, 2, "kaputt")
    for text, found in {
        one: [one],
        "kaputt": [two],
        "tests.nothing": [two, one],
        '"number": 2': [two],
        "KAPUTT": [two],
        "<script>": [],
    }.items():
        page = holder.get("/jobs/dead", params={"q": text}).text
        assert ids(page) == found, text
        assert "<script>" not in page


@pytest.mark.parametrize("cursor", ["nowhere", "(1 x", "nan x", "\x00", "elsewhere nothing"])
def test_a_cursor_that_no_page_gave_breaks_nothing(client, holder, cursor) -> None:
    for state in ("queued", "running", "scheduled", "dead", "done"):
        for path in (f"/jobs/{state}", f"/api/jobs?state={state}"):
            answer = holder.get(httpx.URL(path).copy_merge_params({"cursor": cursor}))
            assert answer.status_code in (200, 422), answer.text


def test_a_dead_job_is_run_again_only_after_a_question(client, holder) -> None:
    job = died(client, 1)
    question = holder.get("/jobs/confirm", params={"what": "retry", "state": "dead", "job": job})
    assert job in question.text
    assert "number=1" in question.text
    assert client.summary()["dead"] == 1
    several = {"what": "retry", "state": "dead", "q": "bo om", "job": [job, "job-2"]}
    question = holder.get("/jobs/confirm", params=several)
    addresses = re.findall('href="([^"]+)"', question.text)
    links = [question.url.join(unescape(address)) for address in addresses]
    [japanese] = [link.params for link in links if "lang" in link.params]
    assert japanese.get_list("job") == [job, "job-2"]
    assert "bo om" in [link.params.get("q") for link in links if link.path == "/jobs/dead"]
    answer = holder.post("/jobs/decide", data={"what": "retry", "state": "dead", "job": job})
    assert answer.headers["location"].startswith("dead?done=retry.1")
    assert client.job(job)["state"] == "queued"


def test_queued_jobs_are_discarded_and_not_run_again(client, holder) -> None:
    stored(client, *[message(n, queue=f"elsewhere{n % 2}") for n in range(1, 6)])

    def after(**form: Any) -> str:
        holder.post("/jobs/decide", data=form)
        states = [client.job(f"job-{number}")["state"] for number in range(1, 6)]
        return "".join(state[0] for state in states)  # "q" for queued, "d" for discarded

    assert after(what="retry", job="job-1") == "qqqqq"
    assert after(what="discard", job="job-1") == "dqqqq"
    assert after(what="discard", state="queued", job=["job-2", "job-4"]) == "ddqdq"
    assert client.summary()["conserved"]


def test_each_queue_shows_its_size_and_how_long_its_next_job_has_waited(client, holder) -> None:
    stored(client, *[message(n, queue="elsewhere") for n in range(3)])

    def row() -> str:
        return holder.get("/jobs").text.partition('id="queue-elsewhere"')[2].partition("</tr>")[0]

    before = row()
    assert ">3</td>" in before
    assert "<time" in before
    assert "paused" not in before
    Queue(client.redis()).pause_queue("elsewhere", True)
    assert "paused" in row()


def test_the_page_of_a_dead_job_shows_where_redis_has_it(client, holder) -> None:
    dead = died(client, 2, "kaputt")
    assert f"ZSCORE dead {dead}" in holder.get(f"/jobs/job/{dead}").text


def test_hostile_jobs_show_as_text(client, holder) -> None:
    evil = "<script>alert(1)</script>\u202e\x00"
    job = message(1, queue="elsewhere", id="</td><script>x", task=evil, arguments={"a": evil})
    stored(client, job)
    died(client, 2, evil)
    for path in ("/jobs", "/jobs/queued", "/jobs/dead", "/jobs/job/job-2"):
        page = holder.get(path).text
        assert "<script>alert" not in page
        assert "<script>x" not in page
        assert not re.search("[\x00\u202e]", page)


#: The packages that contain pages.
ROOMS = ("demo_app.broker.web", "demo_app.web", "demo_app.stage")


def test_both_languages_have_all_the_same_words() -> None:
    english, japanese = (Translations(one, *ROOMS) for one in ("en", "ja"))
    of_one = {key for key in english if key.endswith(".one")}  # Japanese uses the plural's text
    assert english.keys() - of_one == japanese.keys()
    assert {key.removesuffix(".one") for key in of_one} <= english.keys()
    for key in english.keys() - of_one:
        placeholders = set(re.findall(r"\{\w+\}", english[key]))
        assert placeholders == set(re.findall(r"\{\w+\}", japanese[key])), key


@pytest.mark.parametrize("room", ROOMS)
def test_no_word_is_there_twice(room: str) -> None:
    for table in files(room).iterdir():
        if table.name.endswith(".json"):
            pairs = json.loads(table.read_text("utf-8"), object_pairs_hook=list)
            keys = [key for key, _ in pairs]
            assert sorted(set(keys)) == sorted(keys), f"{room}/{table.name} has a key twice"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_each_column_has_a_heading_of_its_own_with_a_meaning(client, holder, language) -> None:
    t = Translations(language, *ROOMS)
    died(client, 1)
    stored(client, message(2, queue="elsewhere"))
    stored(client, message(3, queue="elsewhere"), due=time.time() + 100)
    for state in ("queued", "scheduled", "dead"):
        page = holder.get(f"/jobs/{state}", params={"lang": language}).text
        head = r'<th scope="col"[^>]*><abbr title="([^"]+)"\s+tabindex="0">([^<]+)<'
        heads = re.findall(head, page)
        cells = re.findall(r'<td data-name="([^"]+)"', page)
        assert [name for _, name in heads] == cells
        assert len(set(cells)) == len(cells), "no column twice"
        assert not any(one.startswith(("name.", "word.")) for head in heads for one in head)
    named = {key[5:] for key in t if key.startswith("name.")}
    assert named <= {key[5:] for key in t if key.startswith("word.")}


def test_metrics_follow_the_conventions_and_say_the_same_as_the_summary(client, holder) -> None:
    stored(client, *[message(n, queue="elsewhere") for n in range(3)])
    text = holder.get("/metrics").text
    assert 'claims_jobs{state="queued"} 3' in text
    assert "claims_jobs_enqueued_total 3" in text
    assert 'claims_queue_age_seconds{queue="elsewhere"}' in text
    for line in text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) \w+ .+|[a-z_]+(\{\w+=\"\w+\"\})? [0-9.e+]+", line), line
        if line.startswith("# TYPE"):
            _, _, name, kind = line.split()
            assert name.endswith("_total") == (kind == "counter")
