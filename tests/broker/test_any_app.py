"""Tests of an outside Celery app that uses nothing of this project except the broker.

Each test runs real workers, often with a fault, and counts the lines that the tasks wrote.
"""

import signal
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from broker.conftest import OpenShop
from celery import Celery
from celery_suite.outside import Shop, signal_group
from support import most_nightly, until

from demo_app.broker import worker
from demo_app.broker.inspect import get_jobs
from demo_app.broker.keys import MAX_QUEUES

TASKS = """
from datetime import datetime, timezone


@app.task(bind=True, name="shop.twice")
def twice(self, parcel):
    note("tried", f"{parcel}-{self.request.retries}")
    if self.request.retries == 0:
        raise self.retry(countdown=0.1)


@app.task(bind=True, name="shop.punctual")
def punctual(self, parcel):
    early = datetime.fromisoformat(self.request.eta) > datetime.now(timezone.utc)
    note("early" if early else "ended", parcel)


@app.task(bind=True, name="shop.header")
def header(self, parcel):
    moment = self.request.headers["moment"] if self.request.headers else self.request.moment
    note("ended", f"{parcel}-{type(moment).__name__}-{moment.year}")


@app.task(name="shop.look_at")
def look_at(parcel):
    with app.connection_for_read() as connection:
        connection.SimpleQueue(parcel).get(timeout=30)
    note("ended", parcel)


app.task(name="shop.give_up", reject_on_worker_lost=False)(pack.run)
"""
POOLS = most_nightly(["prefork", "threads"], "prefork")
of_each_pool = pytest.mark.parametrize("pool", POOLS)


@pytest.fixture
def open_one(open_shop: OpenShop) -> OpenShop:
    def opens(pool: str = "threads", **settings: Any) -> Shop:
        shop = open_shop(pool, **settings)
        shop.add(TASKS)
        return shop

    return opens


@pytest.fixture(scope="module", params=POOLS)
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Shop]:
    """Return a shop with a worker. All tests without faults share it, with different parcels."""
    folder = tmp_path_factory.mktemp("served") / "shop"
    with closing(Shop(folder, "claims", request.param, accept_content=["json", "pickle"])) as shop:
        shop.add(TASKS)
        shop.start_worker()
        yield shop


def _break_connection(shop: Shop) -> None:
    """Break the worker's connection to Redis, and wait until the worker has a new one."""
    before = shop.logged("Connected to")
    shop.redis.client_kill_filter(_type="normal", skipme=True)
    until(lambda: shop.logged("Connected to") > before, what="a new connection")


def test_arguments_and_headers_arrive_as_they_were_sent(served: Shop) -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    served.order("now", task="shop.header", sending={"headers": {"moment": moment}})
    served.order("by-name", "naïve-ユニコード")
    with served.app() as app:
        app.send_task("shop.pack", ["by-position", 0.0])
        app.send_task("shop.pack", ["pickled"], serializer="pickle")
        app.send_task("shop.pack", ["small"], compression="zlib")
    names = {"by-name", "naïve-ユニコード", "by-position", "pickled", "small"}
    assert not served.lost({"now-datetime-2026", *names}, 60)


def test_a_delayed_task_can_read_its_eta(served: Shop) -> None:
    served.order("due", task="shop.punctual", sending={"countdown": 0.5})
    with served.app() as app:
        app.conf.task_protocol = 1
        app.send_task("shop.punctual", ["due-of-old"], countdown=1)
    assert not served.lost(["due", "due-of-old"], 60)
    assert not served.times("early")


def test_jobs_that_share_an_id_are_separate_jobs(open_one: OpenShop) -> None:
    """The second job is retried while the first one runs. Then the first one's worker dies."""
    shop = open_one()
    worker = shop.start_worker()
    shop.order("first", gate="open", sending={"task_id": "same"})
    shop.until_started("first")
    shop.order("second", task="shop.twice", sending={"task_id": "same"})
    shop.order("third", sending={"task_id": "same"})
    assert not shop.lost(["third"], 60)
    shop.until_done(2)  # also the second job's next try, which would otherwise be rescued too
    signal_group(worker, signal.SIGKILL)
    shop.open_gate()
    shop.start_worker()
    assert not shop.lost(["first"], 60)
    shop.until_done(3)
    assert shop.count("enqueued") == 3
    assert shop.times("tried") == {"second-0": 1, "second-1": 1}


def test_a_publish_that_kombu_repeats_is_one_job(open_one: OpenShop) -> None:
    shop = open_one()

    def answer_again(error: Exception, interval: float) -> None:
        shop.link.loses_answers = False

    with Celery("shop", broker=shop.broker(shop.link_port)) as app:
        app.send_task("shop.nothing")  # opens the connection on which the next reply is lost
        shop.link.loses_answers = True
        app.send_task("shop.nothing", retry=True, retry_policy={"errback": answer_again})
    assert not shop.link.loses_answers, "kombu has published twice"
    assert shop.count("enqueued") == 2


@of_each_pool
def test_an_acknowledgement_claims_the_next_job(open_one: OpenShop, pool: str) -> None:
    shop = open_one(pool)
    ids = shop.order(*(names := [f"p{number}" for number in range(12)]))
    shop.start_worker("--concurrency", "1")
    shop.until_done(12)
    events = [event for job in get_jobs(shop.queue, ids) for event in job.timeline]
    ended = {event.at for event in events if event.event == "done"}
    # not 11: the worker claimed several jobs together before the first one ended
    assert len([one for one in events if one.event == "claimed" and one.at in ended]) >= 4
    assert list(shop.times("started")) == names


def test_a_worker_without_prefetch_claims_one_job_per_process(open_one: OpenShop) -> None:
    shop = open_one(worker_disable_prefetch=True)
    shop.order("p0", "p1", "p2", gate="open")
    shop.start_worker("--concurrency", "1")
    shop.until_started("p0")
    assert shop.count("running") == 1


def test_an_urgent_job_is_first_in_all_queues(open_one: OpenShop) -> None:
    shop = open_one("prefork", worker_prefetch_multiplier=1)
    shop.order("elsewhere")
    shop.order("later", "last", sending={"queue": "a", "priority": 9})
    shop.order("usual", sending={"queue": "a", "priority": 3})
    shop.order("first", sending={"queue": "b", "priority": 0})
    shop.start_worker("--queues", "a,b", "--concurrency", "1")
    shop.until_done(4)
    assert list(shop.times("started")) == ["first", "usual", "later", "last"]
    assert shop.queued() == 1, "it takes nothing from a queue that it does not consume"


@of_each_pool
def test_a_poison_job_has_an_error_as_its_result(open_one: OpenShop, pool: str) -> None:
    shop = open_one(pool, broker_transport_options={"max_rescues": 0, "poison_pause": 0.1})
    shop.settings["result_backend"] = f"redis://127.0.0.1:{shop.port}/1"
    # with threads, the job kills two workers, and the third one gives the job up
    for _ in range(3 if pool == "threads" else 1):
        shop.start_worker("--concurrency", "1")
    with shop.app() as app:
        sent = app.send_task("shop.pack", ["pill"], {"kills": "process"})
        result = sent.get(timeout=200, propagate=False)
    assert type(result).__name__ == "WorkerLostError", result
    assert shop.given_up() == 1


@pytest.mark.thorough
def test_a_job_that_a_task_received_but_did_not_acknowledge_is_requeued(open_one: OpenShop) -> None:
    """The pool's process that claimed the job stays alive, but never runs it."""
    shop = open_one("prefork")
    shop.order("parcel", sending={"queue": "parcels"})
    shop.order("parcels", task="shop.look_at")
    shop.start_worker()
    shop.until_done(1)
    assert shop.times("ended") == {"parcels": 1}
    until(lambda: shop.count("queued") == 1, what="the job's return")


@pytest.mark.thorough
def test_a_task_without_reject_on_worker_lost_is_not_requeued(open_one: OpenShop) -> None:
    shop = open_one("prefork")
    shop.start_worker("--concurrency", "1")
    shop.order("pill", task="shop.give_up", kills="process")
    shop.order("after")
    assert not shop.lost(["after"], 60)
    until(lambda: shop.count("running") + shop.count("queued") == 0, what="its end")
    assert shop.times("started")["pill"] == 1


def test_a_broken_connection_repeats_no_job(open_one: OpenShop) -> None:
    """It breaks while a job runs, and while a claimed job has not begun in the pool's process."""
    shop = open_one("prefork")
    worker = shop.start_worker("--concurrency", "1")
    shop.order("x", gate="open")
    shop.until_started("x")
    _break_connection(shop)
    shop.open_gate()
    shop.until_done(1)
    [child] = psutil.Process(worker.pid).children()
    child.suspend()
    shop.order("y")
    until(lambda: shop.in_hand() == 1, what="its claim")
    _break_connection(shop)
    began = shop.redis.time()[0]
    until(lambda: shop.redis.time()[0] > began + 5, what="two checks for jobs that Celery dropped")
    child.resume()
    shop.until_done(2)
    shop.order("z")
    shop.until_done(3)
    assert shop.times("started") == {"x": 1, "y": 1, "z": 1}


@pytest.mark.thorough
def test_a_broken_connection_adds_no_free_thread(open_one: OpenShop) -> None:
    settings = {"worker_prefetch_multiplier": 1, "worker_enable_prefetch_count_reduction": False}
    shop = open_one(**settings)
    shop.start_worker()
    shop.order("old", gate="open")
    shop.until_started("old")
    _break_connection(shop)
    shop.order(*(f"p{number}" for number in range(5)))
    shop.order("last", gate="open")
    shop.until_done(5)  # the five ran one after the other, in the only free slot
    held, largest = set[str](), 0
    for _, entry in shop.redis.xrange("journal"):
        change = held.add if entry["event"] == "claimed" else held.discard
        change(entry["job"])
        largest = max(largest, len(held))
    assert largest == 2
    shop.open_gate()
    shop.until_done(7)
    assert shop.times("started")["old"] == 1


@pytest.mark.thorough
def test_a_cold_shutdown_requeues_jobs_and_blames_none(open_one: OpenShop) -> None:
    shop = open_one("prefork")
    worker = shop.start_worker("--concurrency", "1")
    shop.order("p0", "p1", "p2", gate="open")
    shop.until_started("p0")
    with shop.app() as app:
        # Celery ends only jobs whose start its pool has reported, and waits for all others
        inspect = app.control.inspect(timeout=10, limit=1)
        until(lambda: (inspect.active() or {}).get("w1@here"), what="the report of the start")
    worker.send_signal(signal.SIGQUIT)
    worker.wait(timeout=200)
    now = shop.queue.snapshot()
    assert (now.count["queued"], now.count["running"], now.workers) == (3, 0, [])
    assert not shop.redis.exists("deaths")


@pytest.mark.parametrize(
    ("pool", "queues", "reason"),
    [
        ("gevent", 1, "does not run with the pool gevent"),
        ("eventlet", 1, "does not run with the pool eventlet"),
        ("threads", MAX_QUEUES + 1, "at most 1,500 queues, not 1,501"),
    ],
)
def test_a_worker_that_cannot_run_is_refused(pool: str, queues: int, reason: str) -> None:
    app = Celery(broker="claims+redis://127.0.0.1:1/0", set_as_current=False)
    app.amqp.queues.select([f"q{number}" for number in range(queues)])
    pool_class = SimpleNamespace(__module__=f"celery.concurrency.{pool}")
    with pytest.raises(SystemExit, match=reason):
        worker._begin(SimpleNamespace(app=app, pool_cls=pool_class))
