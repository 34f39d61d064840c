"""An acknowledgement that can't be made is the problem of its own job, and of no other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from broker.conftest import OpenShop
from broker.scene import LANES, Scene

from demo_app.broker.claim import Disposition, Ending
from demo_app.broker.in_flight import InFlight
from demo_app.broker.inspect import get_jobs
from demo_app.broker.options import Options
from demo_app.broker.queue import Queue

#: A task whose error has a text that is no UTF-8, as the name of any file may be.
ODD = """
@app.task(name="shop.odd", acks_on_failure_or_timeout=False)
def odd(parcel):
    raise ValueError("no such file: caf\\udce9.txt")
"""


@pytest.fixture
def here(scene: Scene) -> Iterator[InFlight]:
    """What a worker has that holds the jobs `job-1` and `job-2`, under the tags 1 and 2."""
    options = Options(lease_seconds=60.0, heartbeat_seconds=60.0)
    found = InFlight(Queue(scene.queue.client, options))
    found.work(["mail"])
    scene.put(1, 2)
    for claimed in scene.queue.claim(found.lease.worker, LANES, 2):
        found.track(claimed)
    yield found
    found.leave()


def test_an_error_with_an_odd_text_ends_its_job_and_no_worker(open_shop: OpenShop) -> None:
    shop = open_shop("threads")
    shop.add(ODD)
    worker = shop.start_worker()
    [job] = shop.order("odd", task="shop.odd")
    shop.order("next")
    shop.until_done(1)
    assert worker.poll() is None
    [found] = get_jobs(shop.redis, [job])
    assert found.state == "dead"
    assert found.timeline[-1].detail == r"ValueError: no such file: caf\udce9.txt"


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.RETRY])
def test_an_ending_that_can_not_be_sent_ends_its_job_without_a_detail(
    here: InFlight, scene: Scene, how: Disposition
) -> None:
    here.set_ending("1", Ending(how, cast("str", {"no": "text"}), after=60.0))
    here.finish("1", Ending(Disposition.DONE))
    assert list(here.held()) == ["2"]
    assert scene.job().state == ("done" if how is Disposition.DONE else "dead")
    assert "Error: " in scene.job().timeline[-1].detail
