"""Tests without Redis: pages respond, comments are accepted, and all recovers afterwards."""

import httpx
from stage.stage_page import StagePage
from support import until

from demo_app.broker.connection import connect
from demo_app.stack import Stack
from demo_app.stack.client import Client


def test_job_pages_say_what_is_wrong_and_blog_stage_health_and_metrics_go_on(
    stack: Stack, client: Client, holder: httpx.Client
) -> None:
    stack.kill("redis", restart=False)
    try:
        for path in ("/jobs", "/jobs/queued", "/jobs/job/x", "/api/jobs", "/api/jobs/summary"):
            answer = holder.get(path)
            assert answer.status_code == 503
            assert "Comments are still accepted" in answer.text
            assert answer.headers["retry-after"] == "1"
        assert holder.get("/posts/1").status_code == 200
        client.comment()
        page = StagePage(holder)
        assert page.sums["waiting"] == page.sums["posted"] - page.sums["delivered"]
        assert page.sums["lost"] == 0
        assert "Redis is dead" in page.in_words
        assert "demo_redis_up 0" in holder.get("/metrics").text
        assert holder.get("/healthz").json()["outbox"] >= 1
    finally:
        stack.start("redis")


def test_the_stream_of_events_outlives_redis(stack: Stack, client: Client, holder) -> None:
    with holder.stream("GET", "/api/events", timeout=60) as stream:
        lines = stream.iter_lines()
        stack.kill("redis", restart=False)
        assert any(line == "event: trouble" for line in lines)
        stack.start("redis")
        job = client.comment()["job_id"]
        assert any(f'"job": "{job}", "event": "done"' in line for line in lines)


def test_health_says_that_redis_has_become_a_replica(
    stack: Stack, client: Client, holder: httpx.Client
) -> None:
    def trouble() -> str:
        return str(holder.get("/healthz").json()["trouble"])

    with connect(stack.ready["redis"]) as redis:
        redis.replicaof("127.0.0.1", "1")
        try:
            client.comment()
            until(lambda: "a replica" in trouble(), what="its reason")
            assert not client.at_rest(), "its job is in the outbox"
        finally:
            redis.replicaof("no", "one")
        until(lambda: not trouble(), what="its end")
