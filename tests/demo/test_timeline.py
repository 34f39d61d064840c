"""Tests that the timeline and its picture show what happened to each job."""

import time

from support import allow_death_checks, die, message, rescue_now

from demo_app.broker.claim import Claim, Disposition
from demo_app.broker.events import State
from demo_app.broker.fold import JobRecord, Run, WorkerRecord
from demo_app.broker.keys import lists_of
from demo_app.broker.queue import Queue
from demo_app.demo import picture, timeline


def _claim(store: Queue, worker: str) -> Claim:
    store.register(worker, 60_000, '{"pid": 42}')
    return store.claim(worker, lists_of("mail"))[0].claim


def test_a_rescued_job_has_two_runs_and_its_worker_a_death_and_the_picture_a_caption(
    store: Queue,
) -> None:
    allow_death_checks(store)
    for number in (1, 2):
        store.enqueue(message(number))
    _claim(store, "first")
    die(store, "first")
    store.register("second", 60_000, '{"pid": 43}')
    rescue_now(store, "second", 60_000)
    for _ in range(2):
        store.finish(_claim(store, "second"), Disposition.DONE)
    seen = timeline.read(store.client)
    first, second = seen.jobs
    runs = [(run.worker, run.how) for run in first.runs]
    assert runs == [("first", "rescued"), ("second", "done")]
    assert first.rescued
    assert not second.rescued
    assert first.done is not None
    assert first.enqueued <= first.runs[0].began <= first.runs[1].began <= first.done
    (death,) = seen.deaths
    assert (death.id, death.found_by, death.pid) == ("first", "second", 42)
    assert death.rescued == ["job-1"]
    caption = picture.describe(seen, [time.time()])
    assert caption == "2 jobs, 1 kill: 1 lost its worker and was rescued, 2 were delivered"


def test_only_jobs_enqueued_after_the_given_entry_are_read(store: Queue) -> None:
    store.enqueue(message(1))
    last = store.client.xrevrange("journal", count=1)[0][0]  # type: ignore[index]
    store.enqueue(message(2))
    store.finish(_claim(store, "w"), Disposition.DONE)
    assert [job.id for job in timeline.read(store.client, str(last)).jobs] == ["job-2"]


def test_a_job_that_is_given_up_ends_with_a_cross_until_somebody_brings_it_back(
    store: Queue,
) -> None:
    store.enqueue(message(1))
    store.finish(_claim(store, "w"), Disposition.DEAD, detail="no use")
    seen = timeline.read(store.client)
    assert seen.jobs[0].given_up is not None
    assert picture.describe(seen, []).endswith("0 were delivered, 1 given up")
    assert "given up" in {text.get_text() for text in picture.draw(seen, []).legends[0].texts}
    store.decide("job-1", "retry", by="a person")
    assert timeline.read(store.client).jobs[0].given_up is None


def test_a_try_that_failed_is_marked_and_counted() -> None:
    runs = [Run("w", 0.1, 0.2, "retrying"), Run("w", 1.0, 1.1, "done")]
    seen = timeline.Timeline([JobRecord("job-1", 0.0, State.DONE, 1.1, runs)], [], {})
    assert picture.describe(seen, []) == "1 job: 1 was delivered, 1 try failed"
    labels = [text.get_text() for text in picture.draw(seen, []).legends[0].get_texts()]
    assert "the try failed" in labels
    assert "worker killed" not in labels, "no worker died"


def test_a_job_that_came_last_and_still_waits_is_in_the_picture() -> None:
    first = JobRecord("job-1", 0.0, State.DONE, 1.0, [Run("w", 0.1, 1.0, "done")])
    seen = timeline.Timeline([first, JobRecord("job-2", 5.0, State.QUEUED, 5.0)], [], {})
    (axes,) = picture.draw(seen, []).axes
    assert axes.get_xlim()[1] >= 5.0


def _rescued_after(seconds: float) -> tuple[timeline.Timeline, timeline.Kill]:
    """Return a timeline and its kill: a job's worker is killed at 1 s, and the job is rescued
    `seconds` later."""
    rescue = 1.0 + seconds
    runs = [Run("first", 0.5, rescue, "rescued"), Run("second", rescue + 0.1, rescue + 1.0, "done")]
    first = WorkerRecord("first", 42, died=rescue, rescued=["job-1"])
    jobs = [JobRecord("job-1", 0.0, State.DONE, rescue + 1.0, runs)]
    return timeline.Timeline(jobs, [first], {}), timeline.Kill(1.0, 42, "first", ("job-1",))


def test_the_picture_names_the_kill_and_the_rescue() -> None:
    seen, kill = _rescued_after(0.1)
    (axes,) = picture.draw(seen, [kill]).axes
    labels = [text.get_text().strip() for text in axes.texts]
    assert labels == ["SIGKILL → pid 42", "lease expired: rescued"]
    assert axes.get_xscale() == "linear", "a short wait is shown as it is"


def test_a_long_wait_for_a_rescue_is_a_small_part_of_the_picture() -> None:
    seen, kill = _rescued_after(60.0)
    (axes,) = picture.draw(seen, [kill]).axes
    left, right = (axes.transData.transform((at, 1))[0] for at in (1.0, 61.0))
    assert (right - left) / axes.bbox.width < 0.4
    ticks = axes.get_xticks()
    assert {tick < 1.0 for tick in ticks} == {True, False}, "both sides of the break have ticks"
    assert not [tick for tick in ticks if 1.0 < tick < 61.0]
