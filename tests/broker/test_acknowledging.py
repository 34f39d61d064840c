"""Tests that a failed acknowledgement affects only its own job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
import redis
from broker.conftest import OpenShop
from broker.scene import LISTS, Scene

from demo_app.broker.claim import Disposition, Ending
from demo_app.broker.in_flight import InFlight
from demo_app.broker.inspect import get_jobs

#: A task whose error message is not UTF-8, like some file names.
ODD = """
@app.task(name="shop.odd", acks_on_failure_or_timeout=False)
def odd(parcel):
    raise ValueError("no such file: caf\\udce9.txt")
"""


@pytest.fixture
def here(scene: Scene) -> Iterator[InFlight]:
    """Return a worker's in-flight jobs: `job-1` and `job-2` under the tags 1 and 2."""
    scene.put(1, 2)
    with scene.working() as found:
        for claimed in scene.queue.claim(found.lease.worker, LISTS, 2):
            found.track(claimed)
        yield found


def test_an_error_with_an_odd_text_does_not_end_its_worker(open_shop: OpenShop) -> None:
    shop = open_shop("threads")
    shop.add(ODD)
    worker = shop.start_worker()
    [job] = shop.order("odd", task="shop.odd")
    shop.order("next")
    shop.until_done(1)
    shop.until(shop.given_up, "the end of the odd one")
    assert worker.poll() is None
    [found] = get_jobs(shop.queue, [job])
    assert found.state == "dead"
    assert found.timeline[-1].detail == r"ValueError: no such file: caf\udce9.txt"


@pytest.mark.parametrize("how", [Disposition.DONE, Disposition.RETRY])
def test_an_acknowledgement_that_cannot_be_sent_ends_its_job_without_a_detail(
    here: InFlight, scene: Scene, how: Disposition
) -> None:
    here.set_ending("1", Ending(how, cast("str", {"no": "text"}), after=60.0))
    here.finish("1", Ending(Disposition.DONE))
    assert list(here.held()) == ["2"]
    assert scene.job().state == ("done" if how is Disposition.DONE else "dead")
    assert "Error: " in scene.job().timeline[-1].detail


def test_an_acknowledgement_that_redis_refuses_blocks_no_other(
    here: InFlight, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_away(*_: Any) -> Any:
        raise redis.ConnectionError("it is away")

    with monkeypatch.context() as patch:
        patch.setattr(here.queue, "_run", is_away)
        for tag in ("1", "2"):
            here.finish(tag, Ending(Disposition.DONE))
    record = scene.queue.client.dump("job:job-1")
    scene.queue.client.set("job:job-1", "of another type")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        here.acknowledge_pending()
    assert scene.job("job-2").state == "done"
    scene.queue.client.restore("job:job-1", 0, record, replace=True)
    here.acknowledge_pending()
    assert scene.job("job-1").state == "done"
