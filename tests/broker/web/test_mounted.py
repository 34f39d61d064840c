"""Tests of the dashboard as an ASGI app that another app mounts."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import redis
from celery import Celery
from celery_suite.outside import REPOSITORY, Shop
from starlette.applications import Starlette
from starlette.routing import Mount
from support import ask_app, run_python

from demo_app.broker.web import dashboard


@pytest.fixture
def app(shop: Shop) -> Iterator[Celery]:
    with shop.app() as app:
        yield app


def answers(mounted: Any, *paths: str, **options: Any) -> list[httpx.Response]:
    outer = Starlette(routes=[Mount("/admin/queue", mounted)])
    return ask_app(outer, *(f"http://shop.test/admin/queue{path}" for path in paths), **options)


def test_it_needs_its_token_and_stays_below_its_prefix(shop: Shop, app: Celery) -> None:
    [id_] = shop.order("vase")
    mounted = dashboard(app, token="secret")
    refused = answers(mounted, "/", "/jobs", "/jobs/queued", "/api/jobs")
    assert [one.status_code for one in refused] == [401] * 4
    job, page, summary = answers(
        mounted, f"/jobs/job/{id_}?token=secret", "/", "/api/jobs/summary", follow_redirects=True
    )
    assert str(job.url) == f"http://shop.test/admin/queue/jobs/job/{id_}"
    assert str(page.url) == "http://shop.test/admin/queue/jobs"
    assert summary.json()["queued"] == 1
    for answer in (job, page):
        links = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
        targets = {str(answer.url.join(link)) for link in links}
        assert targets
        assert all(one.startswith("http://shop.test/admin/queue/") for one in targets)


def test_behind_the_hosts_own_login_it_needs_no_token(app: Celery) -> None:
    mounted = dashboard(app, authenticated=True)
    [page] = answers(mounted, "/jobs")
    assert page.status_code == 200
    assert 'aria-current="page">Jobs' in page.text
    assert answers(mounted, "/jobs", headers={"sec-fetch-site": "cross-site"})[0].status_code == 403


def test_it_shows_a_redis_that_is_not_valkey(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    info = redis.Redis.info
    fewer = ("valkey_version", "uptime_in_seconds", "used_memory_peak")

    def of_another_server(client: Any, *section: str) -> dict[str, Any]:
        return {name: value for name, value in info(client, *section).items() if name not in fewer}

    monkeypatch.setattr(redis.Redis, "info", of_another_server)
    [page] = answers(dashboard(app, authenticated=True), "/jobs")
    assert page.status_code == 200
    assert re.search(r"<dt>Redis</dt><dd>\d+\.\d+", page.text)


def test_it_logs_the_token_that_it_creates(app: Celery, caplog: pytest.LogCaptureFixture) -> None:
    mounted = dashboard(app)
    [token] = re.findall(r"token=(\S+)", caplog.text)
    refused, let_in = answers(mounted, "/jobs", f"/jobs?token={token}", follow_redirects=True)
    assert (refused.status_code, let_in.status_code) == (401, 200)


def test_of_several_servers_it_shows_the_first_that_answers(shop: Shop) -> None:
    shop.order("vase")
    with Celery("shop", broker=f"claims+redis://127.0.0.1:1/0;{shop.broker(shop.port)}") as app:
        app.conf.update(shop.settings)
        [summary] = answers(dashboard(app, authenticated=True), "/api/jobs/summary")
    assert summary.json()["queued"] == 1


def test_the_module_s_app_shows_the_current_celery_app(shop: Shop) -> None:
    code = "{}from celery_claims.web import app; print(app.title)"
    imported = run_python("-c", code.format("import shop; "), cwd=shop.folder, **shop.environment)
    assert imported.stdout == "The jobs of shop\n", imported.stderr
    assert "token=" in imported.stderr
    alone = run_python("-c", code.format(""), cwd=shop.folder, **shop.environment)
    assert "Import your own app first" in alone.stderr


def test_the_manuals_example_runs(shop: Shop) -> None:
    manual = (REPOSITORY / "notebooks/reference/broker.md").read_text("utf-8")
    [example] = [
        one for one in re.findall(r"```python\n(.*?)```", manual, re.DOTALL) if "mount" in one
    ]
    ask = (
        "import asyncio, httpx\n"
        "async def ask():\n"
        "    async with httpx.AsyncClient(transport=httpx.ASGITransport(site)) as browser:\n"
        "        for query in ('', '?token=long and secret'):\n"
        "            print((await browser.get(f'http://x/queue/jobs{query}')).status_code)\n"
        "asyncio.run(ask())\n"
    )
    output = run_python("-c", example + ask, cwd=shop.folder, **shop.environment)
    assert output.stdout.split() == ["401", "303"], output.stderr
