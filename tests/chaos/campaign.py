"""The campaign: faults while readers post comments, and then a count of comments and mails."""

import os
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from chaos.context import USUAL, Fault, MailRules, OnLine
from chaos.history import Follower, History, stored_mails
from chaos.ledger import Ledger, rows, settle
from chaos.plan import Plan
from chaos.quiescence import trace, wait_for_quiescence
from chaos.readers import Readers
from chaos.strike import heal, strike
from chaos.system import System
from demo_app.blog.seed import POSTS
from demo_app.stack.client import Client

#: Name of the history file in the folder of the stack, if the plan names no other file.
HISTORY = "history.jsonl"
#: Promises that are checked for stock Celery: it has no journal, and these need only the comments
#: and the mails.
FOR_READERS = ("lost", "not stored", "seen twice", "wrong")


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a campaign.

    Attributes:
        broken: for each kind of promise, the findings of `check`.
    """

    plan: Plan
    seconds: float
    faults: tuple[Fault, ...]
    ledger: Ledger
    broken: dict[str, list[str]]

    @property
    def by_kind(self) -> dict[str, int]:
        return dict(sorted(Counter(fault.kind for fault in self.faults).items()))

    def count(self, how: str) -> int:
        return len(self.broken.get(how, ()))

    @property
    def held(self) -> bool:
        return not self.broken and self.ledger.conserved and self.ledger.comments > 0


def run(plan: Plan, on_line: OnLine) -> Result:
    with (
        tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as name,
        closing(System(Path(name), plan.transport, plan.without)) as system,
    ):
        system.start()
        return _strike_and_count(plan, system, on_line)


def _strike_and_count(plan: Plan, system: System, on_line: OnLine) -> Result:
    began = time.monotonic()
    history = History(plan.history or system.folder / HISTORY)
    follower = Follower(system.ready, history)
    follower.start()
    rules = MailRules(system.ready)
    history.add("posts", to={str(n): address for n, *_, address in POSTS})
    ready = {**system.ready, "web": f"http://127.0.0.1:{system.proxies['web'].port}"}
    readers = Readers(ready, str(plan.seed), history, insist=not plan.aimed)
    readers.start()
    rules.only(USUAL)
    faults = strike(plan, system, rules, readers.accepted, on_line)
    readers.stop()
    heal(system, rules)
    for fault in faults:
        history.add("fault", fault.at, kind=fault.kind, over=fault.over, pids=fault.pids)
    history.add("machine", busy=os.getloadavg()[0] / (os.cpu_count() or 1))
    ledger = _count(plan, system, history, follower, on_line)
    found = history.verdict()["broken"]
    broken = {how: what for how, what in found.items() if how in FOR_READERS or not plan.stock}
    for how, what in broken.items():
        on_line(f"       {how}: {len(what)}, as {what[0]}")
    follower.stop()
    rules.close()
    history.close()
    return Result(plan, time.monotonic() - began, tuple(faults), ledger, broken)


def _count(
    plan: Plan, system: System, history: History, follower: Follower, on_line: OnLine
) -> Ledger:
    """Wait until nothing changes, and write the stored comments and mails into the history.

    Log a line for each missing mail, and return the ledger.
    """
    with Client(system.ready) as client:
        by_hand = wait_for_quiescence(client, system.folder, plan, on_line)
        follower.catch_up()
        ledger = settle(client, system.folder, stock=plan.stock, by_hand=by_hand)
        for (body,) in rows(system.folder / "blog.sqlite3", "SELECT body FROM comments"):
            history.add("stored", body=body)
        for mail in stored_mails(system.folder):
            history.add("seen", **mail)
        gone = (str(line.name) for line in ledger.lines if line.arrived is None)
        for line in trace(client, system.folder, gone):
            on_line(f"       missing: {line}")
    return ledger
