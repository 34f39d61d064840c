"""The run of the demo on a real stack: post comments, kill busy workers, count the mails."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from demo_app.demo.timeline import Kill, Timeline, read
from demo_app.rig.polling import Stillness, poll, until
from demo_app.stack import Stack
from demo_app.stack.client import Client

#: Seconds that the mail server takes for each mail, like a fast real server.
MAIL_SECONDS = 0.05
#: The number of jobs that run at the same time on both workers together.
AT_ONCE = 8
#: Longest wait for the next mail (seconds). A later mail counts as lost.
LAST_MAIL = 120.0
#: Threads that post comments.
READERS = 2

#: A callback that receives an event and its detail: "posted" and None, "killed" and the Kill, or
#: "delivered" and the number of different mails so far.
OnEvent = Callable[[str, Any], None]


@dataclass(slots=True)
class DemoResult:
    """The result of the demo.

    Attributes:
        recovery_s: for each kill, the seconds until the last interrupted job began again.
    """

    comments: int
    distinct_mails: int
    duplicates: int
    kills: list[Kill]
    recovery_s: list[float]

    @property
    def lost(self) -> int:
        return self.comments - self.distinct_mails

    def as_json(self) -> dict[str, Any]:
        return {
            "comments": self.comments,
            "distinct_mails": self.distinct_mails,
            "lost": self.lost,
            "duplicates": self.duplicates,
            "kills": len(self.kills),
            "recovery_s": [round(seconds, 3) for seconds in self.recovery_s],
        }


def run(stack: Stack, comments: int, kills: int, on_event: OnEvent) -> tuple[DemoResult, Timeline]:
    with Client(stack.ready) as client:
        until(client.at_rest, LAST_MAIL)  # an interrupted run in this folder may have left jobs
        before = client.mail_stats()
        since = journal_end(client)
        client.set_faults({"at": "data", "do": "wait", "seconds": MAIL_SECONDS})
        done: list[Kill] = []
        readers = ThreadPoolExecutor(READERS)
        try:
            posting = [readers.submit(_post, client, n, on_event) for n in range(comments)]
            for number in range(kills):
                # leave enough comments for the later kills: a worker must be busy at each kill
                enough = min(
                    comments * (number + 1) // (kills + 2), comments - AT_ONCE * (kills - number)
                )
                _wait_for_mails(client, before["distinct"], enough, on_event)
                done.append(kill_busy_worker(stack, client, seconds=10.0))
                on_event("killed", done[-1])
            for posted in posting:
                posted.result()
        finally:
            readers.shutdown(cancel_futures=True)  # after an error or Ctrl-C, post no more
        _wait_for_mails(client, before["distinct"], comments, on_event)
        until(client.at_rest, LAST_MAIL)
        client.set_faults()
        after = client.mail_stats()
        timeline = read(client.redis(), since)
    mails, duplicates = (after[name] - before[name] for name in ("distinct", "duplicates"))
    recoveries = [recovery(timeline, kill) for kill in done]
    return DemoResult(comments, mails, duplicates, done, recoveries), timeline


def journal_end(client: Client) -> str:
    """Return the id of the journal's newest entry; "0-0" for an empty journal."""
    last = client.redis().xrevrange("journal", count=1)
    return str(last[0][0]) if last else "0-0"


def kill_busy_worker(stack: Stack, client: Client, *, seconds: float, restart: bool = True) -> Kill:
    """Wait for a busy worker, and kill the busiest one in the middle of its jobs.

    Args:
        seconds: longest wait for a busy worker.
        restart: False if workers must not be restarted until `Stack.start`.

    Raises:
        TimeoutError: no worker was busy within `seconds`.
    """

    def busy(now: dict[str, Any]) -> list[dict[str, Any]]:
        # the summary counts a killed worker as alive until its lease expires
        living = stack.ready["pids"]["worker"]
        return [w for w in now["workers"] if w["running"] and w["pid"] in living]

    deadline = time.monotonic() + seconds
    while True:
        try:
            seen = client.wait_for(lambda now: bool(busy(now)), deadline - time.monotonic())
        except TimeoutError:
            why = "No worker is busy, so none can be killed: try more comments."
            raise TimeoutError(why) from None
        busiest = max(busy(seen), key=lambda w: int(w["running"]))
        pid, name = busiest["pid"], busiest["id"]
        held = []
        with suppress(ProcessLookupError):  # the worker has just died
            os.kill(pid, signal.SIGSTOP)  # the worker's jobs must not end before the kill
            try:
                jobs = client.jobs("running")["jobs"]
                held = [job["id"] for job in jobs if job["owner"] == name]
            finally:
                if not held:
                    os.kill(pid, signal.SIGCONT)
        if held:
            break
    at = time.time()
    stack.kill("worker", pid=pid, restart=restart)
    return Kill(at, pid, name, tuple(held))


def _post(client: Client, number: int, on_event: OnEvent) -> None:
    client.comment(1 + number % 3, f"Reader {number + 1}", body=f"Comment {number + 1}")
    on_event("posted", None)


def _wait_for_mails(client: Client, before: int, count: int, on_event: OnEvent) -> None:
    still = Stillness()
    for _ in poll():
        mails = client.mail_stats()["distinct"] - before
        on_event("delivered", mails)
        if mails >= count or still.seconds(mails) > LAST_MAIL:
            break


def recovery(timeline: Timeline, kill: Kill) -> float:
    """Return the seconds from the kill until the last interrupted job began again.

    Return 0.0 if no interrupted job began again.
    """
    interrupted = [job for job in timeline.jobs if job.id in kill.held]
    again = [
        # use only the first run after this kill: later runs may belong to later kills
        next((r.began for r in job.runs if r.began > kill.at and r.worker != kill.worker), kill.at)
        for job in interrupted
    ]
    return max(again, default=kill.at) - kill.at
