"""Tests that a job runs once without faults, even if Celery holds it for long before its run.

Each test runs real workers of an outside app, and counts the lines that its tasks wrote.
"""

import pytest
from broker.conftest import OpenShop
from support import until

#: A task whose jobs are collected in a list, as in celery-batches. A timer then runs them all.
COLLECTED = """
from celery import Task
from celery.worker.request import Request


class Collected(Task):
    waiting = []

    def Strategy(self, task, app, consumer):
        def receive(message, body, ack, reject, callbacks, **_):
            request = Request(message, on_ack=ack, on_reject=reject, app=app, task=task,
                body=message.body, headers=message.headers, decoded=False,
                connection_errors=consumer.connection_errors)
            self.waiting.append(request)
            if len(self.waiting) == 1:
                consumer.timer.call_after(9.0, self.flush)
        return receive

    def flush(self):
        while self.waiting:
            request = self.waiting.pop(0)
            note("ended", request._payload[1]["parcel"])
            request.acknowledge()


@app.task(name="shop.collect", base=Collected)
def collect(parcel):
    pass
"""


#: A task whose first two deliveries cause an error in the worker, before the pool receives the job:
#: first a bug, then a lack of file descriptors.
UNLUCKY = """
from celery import Task
from celery.worker.strategy import default


class Unlucky(Task):
    errors = [OSError("too many open files"), ValueError("a bug of the worker's")]

    def Strategy(self, task, app, consumer):
        hand_on = default(task, app, consumer)
        def receive(*args, **kwargs):
            if self.errors:
                raise self.errors.pop()
            return hand_on(*args, **kwargs)
        return receive


@app.task(name="shop.unlucky", base=Unlucky)
def unlucky(parcel):
    note("ended", parcel)
"""

#: A task that calls C code without releasing Python's lock, so that no other thread runs. It takes
#: 6 s, and longer if the test has not created the file `gate` by then.
HOG = """
import ctypes


@app.task(name="shop.hog")
def hog(parcel):
    note("started", parcel)
    # unlike CDLL, PyDLL keeps Python's lock
    ctypes.PyDLL(None).system(b"sleep 6; while [ ! -e gate ]; do sleep 0.1; done")
    note("ended", parcel)
"""


def test_a_job_that_an_extension_collects_runs_once(open_shop: OpenShop) -> None:
    shop = open_shop("threads", worker_prefetch_multiplier=0)
    shop.add(COLLECTED)
    shop.start_worker()
    parcels = [f"p{number}" for number in range(8)]
    shop.order(*parcels, task="shop.collect")
    shop.until_done(8)
    assert shop.times("ended") == dict.fromkeys(parcels, 1)


@pytest.mark.thorough
def test_a_broken_connection_repeats_no_rate_limited_job(open_shop: OpenShop) -> None:
    """When its connection breaks, Celery drops the waiting jobs. The worker is alive, so no other
    worker rescues them: it must return them to the queue itself."""
    shop = open_shop("prefork", task_annotations={"shop.pack": {"rate_limit": "20/m"}})
    shop.start_worker()
    parcels = [f"p{number}" for number in range(4)]
    shop.order(*parcels)
    until(lambda: shop.in_hand() == 4 or shop.count("done"), what="its claims")
    shop.redis.client_kill_filter(_type="normal", skipme=True)
    shop.until_done(4)
    assert shop.times("started") == dict.fromkeys(parcels, 1)


def test_an_error_of_the_worker_makes_no_job_dead(open_shop: OpenShop) -> None:
    shop = open_shop("threads")
    shop.add(UNLUCKY)
    shop.start_worker()
    shop.order("vase", task="shop.unlucky")
    shop.until_done(1)
    assert shop.redis.zcard("dead") == 0


def test_a_job_that_blocks_the_heartbeat_is_done_after_few_starts(open_shop: OpenShop) -> None:
    shop = open_shop("threads", broker_transport_options={"lease_seconds": 2.0})
    shop.add(HOG)
    for _ in range(2):
        shop.start_worker()
    shop.order("hog", task="shop.hog")
    until(lambda: shop.times("started").get("hog", 0) >= 2, what="a rescue, as its lease is lost")
    (shop.folder / "gate").touch()
    shop.until_done(1, 90)
    assert shop.times("started")["hog"] <= 6
    assert shop.redis.zcard("dead") == 0
