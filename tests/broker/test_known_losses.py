"""Tests of losses that Celery's users have reported for Redis. The transport `claims` has none.

The tests marked with `both` run on both transports. On Celery's own transport they must fail (a
strict xfail): if a new version of Celery or kombu fixes a loss, its test reports that. The Celery
app is an outside app. The only differences are ``claims+`` in the app's broker URL and a short
lease, which saves time.
Celery's own transport has the settings that Celery's manual describes against losses (late
acknowledgement, reject on worker lost, prefetch 1), except where a user's report is about the
defaults. CI shows one loss on this transport, the nightly tests show all.
"""

import os
import signal
from typing import Any

import pytest
from broker.conftest import OpenShop
from celery_suite.outside import Shop, signal_group

CAREFUL = {
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "worker_prefetch_multiplier": 1,
}
#: Seconds after which a job that has not ended counts as lost. Stock redelivers it after an hour or
#: never, so waiting longer for stock is useless.
PATIENCE = {"stock": 8, "claims": 30}


def both(threads: str, when: Any = pytest.mark.nightly) -> Any:
    """Run a test on both transports.

    Args:
        threads: the issues in which users report the loss, or a description of the loss.
        when: the mark of the test on stock.
    """
    fails = pytest.mark.xfail(strict=True, raises=AssertionError, reason=f"stock: {threads}")
    stock = pytest.param("stock", marks=(fails, when))
    return pytest.mark.parametrize("transport", [stock, "claims"])


@pytest.fixture
def open_one(open_shop: OpenShop) -> OpenShop:
    def opens(transport: str, stock_options: dict[str, Any] | None = None, **settings: Any) -> Shop:
        options = stock_options or {}
        if transport == "claims":
            options = {"lease_seconds": 2.0, "poison_pause": 1.0}
        return open_shop(transport=transport, broker_transport_options=options, **settings)

    return opens


@pytest.fixture
def shop(open_one: OpenShop, transport: str) -> Shop:
    return open_one(transport, **CAREFUL)


def _hand_to_a_stopped_worker(shop: Shop, worker: Any) -> str:
    """Stop the worker while it waits in Redis, and enqueue a job. Return the job's parcel.

    On stock, the worker's wait may time out before the job is enqueued. Redis then does not send
    the job to the stopped worker: let the worker run this job, and try again with another one. On
    claims Redis sends only a wake token, and the worker claims the job later.
    """
    for attempt in range(10):
        parcel = f"p{attempt}"
        shop.until(shop.waits, "a worker that waits")
        signal_group(worker, signal.SIGSTOP)
        shop.order(parcel)
        if shop.transport == "claims" or shop.queued() == 0:
            return parcel
        signal_group(worker, signal.SIGCONT)
        assert not shop.lost([parcel], 30)
    raise RuntimeError("no stopped worker was handed a job in ten attempts")


@both("celery/kombu#305, celery/celery#7950, celery/celery#4354", when=pytest.mark.thorough)
def test_a_job_handed_over_in_the_moment_of_a_kill_is_not_lost(shop: Shop) -> None:
    worker = shop.start_worker()
    parcel = _hand_to_a_stopped_worker(shop, worker)
    signal_group(worker, signal.SIGKILL)
    shop.start_worker()
    assert not shop.lost([parcel], PATIENCE[shop.transport])


@pytest.mark.nightly
@both("celery/celery#4984, celery/celery#8568")
def test_a_job_that_ran_when_its_worker_was_killed_is_done_by_the_next(shop: Shop) -> None:
    worker = shop.start_worker()
    shop.order("vase", gate="open")
    shop.until_started("vase")
    signal_group(worker, signal.SIGKILL)
    shop.open_gate()
    shop.start_worker()
    assert not shop.lost(["vase"], PATIENCE[shop.transport])


@both("celery/celery#3501, celery/celery#4991, celery/kombu#533")
def test_a_job_due_later_outlives_the_worker_that_had_fetched_it(shop: Shop) -> None:
    worker = shop.start_worker()
    shop.order("lamp", sending={"countdown": 4})
    shop.order("now")
    shop.until_started("now")  # first in, first out: the worker has fetched the lamp too
    signal_group(worker, signal.SIGKILL)
    shop.start_worker()
    assert not shop.lost(["lamp"], PATIENCE[shop.transport])


#: A short visibility timeout, as some users set it. By default stock redelivers after an hour.
SHORT = {"visibility_timeout": 2, "unacked_restore_interval": 1, "unacked_restore_throttle": 1}


@pytest.mark.nightly
@both("celery/kombu#337")
def test_a_job_due_later_than_any_timeout_runs_once(open_one: OpenShop, transport: str) -> None:
    shop = open_one(transport, SHORT, **CAREFUL)
    shop.start_worker()
    shop.order("clock", sending={"countdown": 7})
    assert not shop.lost(["clock"], 30)
    shop.order("last", "of", "all")
    assert not shop.lost(["last", "of", "all"], 30)
    assert shop.times("started")["clock"] == 1


@pytest.mark.nightly
@both("celery/celery#5935")
def test_a_job_longer_than_any_timeout_runs_once(open_one: OpenShop, transport: str) -> None:
    shop = open_one(transport, SHORT, **CAREFUL)
    shop.start_worker()
    shop.order("piano", seconds=8)
    assert not shop.lost(["piano"], 40)
    assert shop.times("started")["piano"] == 1


@pytest.mark.thorough
@both("celery/kombu#1836")
def test_a_sigterm_under_load_loses_nothing(open_one: OpenShop, transport: str) -> None:
    """The signal reaches the children too, as from systemd and from a shell."""
    shop = open_one(transport)  # Celery's defaults, as in the report
    worker = shop.start_worker()
    parcels = [f"p{number}" for number in range(12)]
    shop.order(*parcels, seconds=1)
    shop.until_started("p0")
    signal_group(worker, signal.SIGTERM)
    worker.wait(timeout=200)
    shop.start_worker()
    assert not shop.lost(parcels, PATIENCE[transport] + 8)


@both("an out-of-memory kill with Celery's default settings")
def test_a_killed_child_loses_nothing(open_one: OpenShop, transport: str) -> None:
    shop = open_one(transport)
    shop.start_worker()
    shop.order("vase", gate="open")
    shop.until_started("vase")
    _, _, child = shop.notes.read_text().split()  # "started vase PID"
    os.kill(int(child), signal.SIGKILL)
    shop.open_gate()
    assert not shop.lost(["vase"], PATIENCE[transport])


@pytest.mark.nightly
@both("task_reject_on_worker_lost puts it back again and again")
def test_a_job_that_kills_every_child_is_given_up(shop: Shop) -> None:
    shop.start_worker()
    shop.order("bomb", kills="process")
    again_and_again = 7
    shop.until(
        lambda: shop.given_up() or shop.times("started")["bomb"] >= again_and_again,
        "the end of it",
        seconds=60,
    )
    assert shop.times("started")["bomb"] < again_and_again


@both("celery/celery#1789, celery/celery#1307")
def test_redis_killed_and_started_again_loses_nothing(open_one: OpenShop, transport: str) -> None:
    """The worker itself is not restarted: it must survive, with its delayed job."""
    shop = open_one(transport)
    shop.start_worker()
    parcels = [f"p{number}" for number in range(8)]
    shop.order("lamp", sending={"countdown": 6})
    shop.order(*parcels, seconds=1)
    shop.until_started("p1")
    shop.server.kill()
    shop.server.start()
    assert not shop.lost([*parcels, "lamp"], PATIENCE[transport] + 8)


@both("a message popped into a connection that is broken")
def test_a_broken_connection_takes_no_job_with_it(shop: Shop) -> None:
    """Redis sends the job, but the reply with the job never arrives."""
    shop.start_worker()
    for parcel in ("p0", "p1", "p2", "p3"):
        shop.until(shop.waits, "a worker that waits")
        shop.link.freeze()
        shop.order(parcel)
        handed_over = shop.queued() == 0
        shop.link.reset()
        assert not shop.lost([parcel], PATIENCE[shop.transport])
        if handed_over:
            return  # one try is enough if Redis had sent the job before the reset


@pytest.mark.thorough
def test_a_sigterm_ends_a_worker_while_redis_is_down(open_one: OpenShop) -> None:
    """The job's thread must not wait for Redis: the worker would wait for it, and never exit."""
    shop = open_one("claims", **CAREFUL)
    shop.pool = "threads"
    worker = shop.start_worker()
    shop.order("vase", gate="open")
    shop.until_started("vase")
    shop.server.kill()
    shop.open_gate()
    shop.until(lambda: shop.times("ended")["vase"], "its end")
    signal_group(worker, signal.SIGTERM)
    assert worker.wait(timeout=200) == 0
    shop.server.start()
    shop.start_worker()
    shop.until(lambda: shop.times("ended")["vase"] == 2, "its next run")
