"""Tests of ``python -m celery_claims web -A shop``: the dashboard of any Celery app."""

import json
import re
import sys
from urllib.parse import urlsplit

import httpx
from celery_suite.outside import Shop

RAISES = """
@app.task(bind=True, name="shop.fail")
def fail(self, parcel):
    error = ValueError(f"{parcel} is broken")
    if parcel == "a jug":
        raise self.retry(exc=error, countdown=3600)
    raise error
"""


def _row(page: str, id_: str) -> str:
    row = page.partition(f'id="{id_}')[2].partition("</tr>")[0].partition(">")[2]
    return " ".join(re.sub("<[^>]+>", " ", row).split())


def test_the_overview_shows_queues_workers_and_schedules(shop: Shop, holder: httpx.Client) -> None:
    worker = shop.start_worker()
    shop.order("vase", "jug", "cup", gate="open")
    shop.order("parcel", sending={"queue": "parcels"})
    shop.until(lambda: "+1 claimed" in holder.get("/jobs").text, "what the worker has prefetched")
    page = holder.get("/jobs").text
    assert 'class="ledger good"' in page
    assert "no worker claims them" not in page
    [id_] = re.findall(r'id="worker-([^"]+)"', page)
    row = _row(page, f"worker-{id_}")
    assert row.startswith(f"{worker.pid} ")
    memory = r"\d+\.\d MB" if sys.platform == "linux" else "–"
    assert re.search(rf" 2 / 2 \+1 claimed, not begun celery {memory} ", row), row
    assert _row(page, "queue-parcels").startswith("parcels 1 ")
    assert "nightly shop.pack crontab: 0 3 * * *" in " ".join(re.sub("<[^>]+>", " ", page).split())
    shop.open_gate()
    assert not shop.lost(["vase", "jug", "cup"], 60)
    pause = {"what": "pause", "worker": id_}
    page = holder.send(holder.post("/jobs/worker", data=pause).next_request).text
    assert "The worker claims no new jobs." in page
    assert "Resume" in page
    shop.order("plate")
    assert "2 jobs wait, but no worker claims them" in holder.get("/jobs").text
    holder.post("/jobs/worker", data={**pause, "what": "resume"})
    assert not shop.lost(["plate"], 60)
    assert holder.post("/jobs/worker", data={**pause, "worker": "x"}).status_code == 404
    shop.redis.rpop("shop:queue:parcels")
    page = holder.get("/jobs").text
    assert 'class="ledger bad"' in page
    assert "1 job is nowhere" in page


def test_errors_and_deaths_are_shown_and_found(shop: Shop, holder: httpx.Client) -> None:
    shop.add(RAISES)
    shop.start_worker()
    fails, retried = shop.order("a vase", "a jug", task="shop.fail")
    [killed] = shop.order("vase", kills="process")
    shop.until(lambda: holder.get(f"/api/jobs/{fails}").json()["state"] == "done", "its end")
    page = holder.get(f"/jobs/job/{fails}").text
    assert "ValueError: a vase is broken" in page
    assert "It raised an error" in page
    assert "The work is done" not in page
    found = holder.get("/jobs/done", params={"q": "valueerror"}).text
    assert _row(found, "job-").count("ValueError: a vase is broken") == 1
    assert "q=task%3Afail" in found, "also for a task that the dashboard's process did not import"
    state = "retrying"
    shop.until(lambda: holder.get(f"/api/jobs/{retried}").json()["state"] == state, "a retry")
    assert "ValueError(&#39;a jug is broken" in holder.get(f"/jobs/job/{retried}").text
    shop.until(lambda: "rescued" in holder.get(f"/api/jobs/{killed}").text, "its rescue")
    page = holder.get(f"/jobs/job/{killed}").text
    assert "The worker&#39;s child process died" in page
    assert "saw that the lease had expired" not in page


def test_a_scheduled_job_can_be_run_or_discarded(shop: Shop, holder: httpx.Client) -> None:
    never = "report/2026-11"
    shop.order("never", sending={"task_id": never, "countdown": 3600})
    with shop.app() as app:
        now = app.send_task("shop.pack", ("now", 0.5), countdown=3600).id
    assert holder.get("/jobs/scheduled").text.count('<tr id="job-') == 2
    retry = {"what": "retry", "state": "scheduled", "job": now}
    assert "goes to the tail of its queue now" in holder.get("/jobs/confirm", params=retry).text
    holder.post("/jobs/decide", data=retry)
    page = holder.get(f"/jobs/job/{now}").text
    assert "&#34;now&#34;, 0.5" in page
    assert f'LPOS shop:queue:celery {now}</dt><dd class="mono">0<' in page
    page = holder.get(f"/jobs/job/{never}")
    [form] = re.findall(r'<form method="get" action="([^"]+)"', page.text)
    assert page.url.join(form).path == "/jobs/confirm"
    answer = holder.post("/jobs/decide", data={"what": "discard", "job": never})
    assert answer.next_request.url.path == f"/jobs/job/{never}"
    assert holder.send(answer.next_request).status_code == 200
    assert holder.get(f"/api/jobs/{never}").json()["state"] == "discarded"
    shop.start_worker()
    shop.until(lambda: holder.get(f"/api/jobs/{now}").json()["state"] == "done", "its end")
    events = [event["event"] for event in holder.get(f"/api/jobs/{now}").json()["timeline"]]
    assert events == ["scheduled", "enqueued", "claimed", "done"]
    page = holder.get(f"/jobs/job/{now}").raise_for_status().text
    assert "The work is done" in page
    assert "delivered" not in page


def test_the_readable_part_of_an_odd_job_is_shown(shop: Shop, holder: httpx.Client) -> None:
    with shop.app() as app:
        pickled = app.send_task("shop.pack", (b"raw",), serializer="pickle").id
        mixed = app.send_task("shop.pack", ([1, None], {"a": "<b>"}), {"name": "\u202e"}).id
    for name, text in (("odd", "[" * 5000), ("odder", json.dumps({"headers": [7]}))):
        shop.redis.rpush(f"shop:job:{name}", text)
        shop.redis.lpush("shop:queue:celery", name)
    assert "(b&#39;raw&#39;,)" in holder.get(f"/jobs/job/{pickled}").text
    page = holder.get(f"/jobs/job/{mixed}").text
    assert "[1, null], {&#34;a&#34;: &#34;&lt;b&gt;&#34;}, name=" in page
    assert "\u202e" not in page
    assert holder.get("/jobs/queued").text.count('<tr id="job-') == 4
    assert {holder.get(f"/jobs/job/{name}").status_code for name in ("odd", "odder")} == {200}


def test_each_change_is_sent_as_it_happens(shop: Shop, holder: httpx.Client) -> None:
    with holder.stream("GET", "/api/events") as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: tick"
        [id_] = shop.order("vase")
        changes = (json.loads(line[6:]) for line in lines if line.startswith("data: {"))
        assert next(one["event"] for one in changes if one["job"] == id_) == "enqueued"


def test_without_the_token_nothing_opens(reader: httpx.Client) -> None:
    for path in ("/jobs", "/jobs/queued", "/api/jobs/summary", "/api/events", "/metrics"):
        assert reader.get(path).status_code == 401
        assert reader.get(path, headers={"authorization": "Bearer wrong"}).status_code == 401
    refused = reader.get("/jobs").text
    assert "open the link that the dashboard printed" in refused
    [style] = re.findall(r'rel="stylesheet" href="([^"]+)"', refused)
    assert reader.get("/" + style).status_code == 200


def test_a_program_may_send_the_token(shop: Shop, reader: httpx.Client, address: str) -> None:
    shop.order("vase")
    bearer = {"authorization": f"Bearer {urlsplit(address).query.partition('=')[2]}"}
    assert reader.get("/api/jobs/summary", headers=bearer).json()["conserved"]
    metrics = reader.get("/metrics", headers=bearer)
    assert metrics.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'claims_queue_length{queue="celery"} 1\n' in metrics.text


def test_a_foreign_host_and_a_write_from_another_site_are_refused(holder: httpx.Client) -> None:
    assert holder.get("/jobs", headers={"host": "attacker.test"}).status_code == 400
    elsewhere = {"sec-fetch-site": "cross-site"}
    for path in ("/jobs/decide", "/api/jobs/x/retry"):
        assert holder.post(path, data={"what": "retry"}, headers=elsewhere).status_code == 403


def test_a_page_reports_that_redis_is_down(shop: Shop, holder: httpx.Client) -> None:
    assert holder.get("/jobs").status_code == 200
    shop.server.kill()
    away = holder.get("/jobs")
    assert away.status_code == 503
    assert "Redis can&#39;t be reached" in away.text
    shop.server.start()
    shop.until(lambda: holder.get("/jobs").status_code == 200, "the page")
