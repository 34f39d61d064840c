"""The blog on eight hosts, of which one after the other is gone: ``python -m stack.hosts``, in
``tests``.

Each host is a network namespace of its own (ip-netns(8)): it takes Linux, and root. A host is gone
when its cable is cut: nobody is told, and connections stay half-open. That is worse than a kill.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx
from stack.blog_on_hosts import Blog, running
from support import or_none, until

from demo_app.settings import Safeguard
from demo_app.stack.client import Client

#: Seconds between two comments.
PACE = 0.1
#: Seconds after which a mail that has not come counts as missing.
PATIENCE = 30.0
#: How many comments the replica that is promoted has not heard of.
BEHIND = 30


@dataclass(frozen=True)
class Cut:
    """A host to be cut off.

    slow: where the mail server takes its time when it happens, and so what the cut meets: jobs
    that have not given their mails away yet (`mail`), or ones that wait for the reply (`reply`).
    stale: Redis' replica is some comments behind. refuses: no comment can be accepted meanwhile.
    """

    host: str
    slow: str
    stale: bool = False
    refuses: bool = False


#: Each needs a safeguard: the rescue, the one id of a mail, nothing (the database is the promise),
#: the outbox (with rows that are kept until the mail is done).
CUTS = (
    Cut("worker1", "mail"),
    Cut("worker2", "reply"),
    Cut("data", "mail", refuses=True),
    Cut("redis1", "mail", stale=True),
)


@dataclass(frozen=True)
class Gone:
    """A host that was gone. back: seconds from then until a comment made after it, and all before
    it, had their mails; sentinel: of these, until Sentinel led to another Redis (0 when it was not
    asked to); missing: how many had none when it was waited for no longer; refused: how many
    comments were refused meanwhile."""

    host: str
    back: float
    sentinel: float
    missing: int
    refused: int


class Reader:
    """Posts comments until it is told to stop; each with a key, so that it may ask again."""

    def __init__(self, ready: dict[str, str]) -> None:
        self._client = Client(ready, patience=5.0)
        #: The job of each comment that was accepted.
        self.accepted: list[str] = []
        #: How many posts were not.
        self.refused = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> list[str]:
        """Returns the jobs of all comments that were accepted."""
        self._stop.set()
        self._thread.join()
        self._client.close()
        return self.accepted

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(PACE):
            try:
                job = self._client.comment(key=f"reader-{number:08}")["job_id"]
            except httpx.HTTPError:  # asked again with the same key
                self.refused += 1
            else:
                self.accepted.append(job)
                number += 1


@dataclass(frozen=True)
class Result:
    """What the probe saw: the jobs of the accepted comments, those of the mails that are shown, and
    each host that was gone."""

    accepted: list[str]
    shown: list[str]
    gone: list[Gone]

    @property
    def missing(self) -> int:
        """How many accepted comments had no mail while a host was gone, or in the end."""
        return sum(gone.missing for gone in self.gone) + len(set(self.accepted) - set(self.shown))

    @property
    def twice(self) -> int:
        """How many mails are shown that were shown before."""
        return len(self.shown) - len(set(self.shown))


def probe(without: str = "", told: Callable[[Gone], None] = lambda _: None) -> Result:
    """Cut one host off after the other while comments come in.

    without: safeguards that are left out, as `DEMO_WITHOUT` names them; told: is called with each
    host when it is back.
    """
    gone = []
    with running(without) as blog, Client(blog.ready) as client:
        until(lambda: _is_well(client), 60.0, "the blog")
        reader = Reader(blog.ready)
        try:
            for cut in CUTS:
                client.set_faults({"at": cut.slow, "do": "wait", "seconds": 0.5})
                until(lambda: _all_work(client), what="a job at each worker")
                gone.append(_cut(blog, client, reader, cut))
                told(gone[-1])
        finally:
            accepted = reader.stop()
        with suppress(TimeoutError):  # what is missing then is missing
            client.wait_for_mails(len(set(accepted)), seconds=PATIENCE)
        return Result(accepted, _shown(client), gone)


def _cut(blog: Blog, client: Client, reader: Reader, cut: Cut) -> Gone:
    host, sentinel = blog.hosts[cut.host], 0.0
    if cut.stale:
        replica = blog.hosts["redis2"]
        replica.cut()
        client.set_faults({"at": cut.slow, "do": "wait", "seconds": 2})  # or all would be mailed
        known = len(reader.accepted)
        until(lambda: len(reader.accepted) >= known + BEHIND, 60.0, "what the replica lacks")
    refused = reader.refused
    host.cut()
    if cut.stale:
        replica.repair()
    began = time.monotonic()
    if cut.host == "redis1":
        until(lambda: blog.leads_to("redis2"), 60.0, "the fail-over")
        sentinel = time.monotonic() - began
    if cut.host == "data":  # nothing can be accepted meanwhile: it comes back, as another process
        blog.replace_postgres()
        began = time.monotonic()
    client.set_faults()
    reader.accepted.append(until(lambda: _comment(client), 60.0, "a comment"))
    wanted = set(reader.accepted)
    while (missing := wanted - set(_shown(client))) and time.monotonic() < began + PATIENCE:
        time.sleep(0.02)
    back = time.monotonic() - began
    if cut.host.startswith("worker"):  # its jobs go to the other one, those that it did as well
        until(lambda: len(_at_work(client)) == 1, what="the end of its lease")
    host.repair()
    return Gone(cut.host, back, sentinel, len(missing), reader.refused - refused)


def _comment(client: Client) -> str | None:
    posted = or_none(lambda: client.comment(key="after-the-cut-" + os.urandom(4).hex()))
    return str(posted["job_id"]) if posted else None


def _shown(client: Client) -> list[str]:
    return [str(mail["job_id"]) for mail in client.all_mails()]


def _is_well(client: Client) -> bool:
    seen = or_none(client.mail_stats) and or_none(client.summary)
    return bool(seen) and len(seen["workers"]) == 2


def _at_work(client: Client) -> list[dict[str, Any]]:
    return [one for one in client.summary()["workers"] if one["alive"]]


def _all_work(client: Client) -> bool:
    found = _at_work(client)
    return len(found) == 2 and all(one["running"] for one in found)


def _print(gone: Gone) -> None:
    of = f" ({gone.sentinel:.1f} s of them Sentinel's)" if gone.sentinel else ""
    print(f"{gone.host} was gone: a mail after {gone.back:.1f} s{of}", flush=True)


def main() -> int:
    """The command: 1 when a mail is missing or shown twice."""
    parser = argparse.ArgumentParser(prog="python -m stack.hosts", description=__doc__)
    names = ", ".join(Safeguard)
    parser.add_argument("--without", default="", help=f"safeguards to leave out, of: {names}")
    given = parser.parse_args()
    if os.geteuid() or not shutil.which("ip"):
        parser.exit(2, "This takes Linux, root and the program ip: it makes network namespaces.\n")
    result = probe(given.without, _print)
    refused = sum(gone.refused for gone in result.gone)
    print(
        f"{len(result.accepted)} comments accepted: {result.missing} missing, "
        f"{result.twice} shown twice; {refused} posts refused"
    )
    return int(bool(result.missing or result.twice))


if __name__ == "__main__":
    sys.exit(main())
