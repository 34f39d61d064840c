"""The campaign: faults without a pause, comments without a pause, and then the count."""

from __future__ import annotations

import random
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import httpx

from demo_app.settings import Safeguard, Transport
from demo_app.stack.client import Client
from demo_app.verification.chaos.context import Context, Fault, FaultType, MailRules
from demo_app.verification.chaos.fault_types import AGAINST, FAULT_TYPES
from demo_app.verification.chaos.ledger import Ledger, mails_of, settle
from demo_app.verification.chaos.quiescence import ByHand, trace, wait_for_quiescence
from demo_app.verification.chaos.readers import Readers
from demo_app.verification.chaos.recovery import Recovery, journal_of, recoveries
from demo_app.verification.chaos.system import System

#: Seconds between two faults, on average, and how many may be under way at once.
PACE, AT_ONCE = 0.8, 8

OnLine = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign is to do. seconds: stop making faults after that, however many there were.

    without: safeguards to leave out; aimed: leave none out, and make only the faults that would
    show it if one were. (What shows the need of the atomic claim can't happen with it.)
    patience: seconds without any progress after which a mail that has not come is lost.
    The same seed makes the same faults in the same order; the moment at which each strikes is up
    to the machine as well.
    """

    faults: int = 1000
    seconds: float = 3600.0
    seed: int = 0
    workers: int = 4
    transport: Transport = Transport.CLAIMS
    without: frozenset[Safeguard] = frozenset()
    patience: float = 30.0
    aimed: bool = False

    @property
    def kinds(self) -> tuple[FaultType, ...]:
        """What there is to choose from; without a safeguard, only what shows that it is needed."""
        aims = self.without
        if self.aimed:
            aims = frozenset(AGAINST) - {Safeguard.ATOMIC_CLAIM}
        if aims:
            return tuple(kind for safeguard in sorted(aims) for kind in AGAINST[safeguard])
        stock = self.transport is Transport.STOCK
        return tuple(kind for kind in FAULT_TYPES if kind.stock or not stock)


@dataclass(frozen=True, slots=True)
class Result:
    """What came out."""

    plan: Plan
    seconds: float
    faults: tuple[Fault, ...]
    ledger: Ledger
    recoveries: tuple[Recovery, ...]
    trouble: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def by_kind(self) -> dict[str, int]:
        """How many faults of each kind there were, by name."""
        return dict(sorted(Counter(fault.kind for fault in self.faults).items()))


def run(plan: Plan, on_line: OnLine) -> Result:
    """Run the campaign in a temporary folder; `on_line` is called with a line now and then."""
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as name:
        system = System(Path(name), plan.workers, plan.transport, plan.without)
        try:
            system.start()
            return _run(plan, system, on_line)
        finally:
            system.stop()


def _run(plan: Plan, system: System, on_line: OnLine) -> Result:
    began = time.monotonic()
    rules = MailRules(system.ready)
    readers = Readers(system.ready, plan.seed)
    readers.start()
    faults = _strike(plan, system, rules, on_line)
    readers.stop()
    _heal(system, rules)
    by_hand: ByHand = {}
    with Client(system.ready) as client:
        stock = plan.transport is Transport.STOCK
        wait_for_quiescence(
            client,
            system.folder,
            patience=plan.patience,
            stock=stock,
            by_hand=by_hand,
            on_line=on_line,
        )
        accepted = [number for _, number in readers.accepted]
        gone = [(fault.at, fault.over) for fault in faults if fault.hit in ("redis", "all")]
        ledger = settle(
            client, system.folder, accepted, stock=stock, by_hand=by_hand, redis_gone=gone
        )
        arrivals = sorted(
            datetime.fromisoformat(mail["received_at"]).timestamp() for mail in mails_of(client)
        )
        missing = trace(client, system.folder, ledger.missing)
        for line in missing:
            on_line(f"       missing: {line}")
        posted = sorted(at for at, _ in readers.accepted)
        times = recoveries(faults, journal_of(client.redis()), posted, arrivals)
    rules.close()
    return Result(
        plan,
        time.monotonic() - began,
        tuple(faults),
        ledger,
        tuple(times),
        tuple(system.trouble),
        missing,
    )


def _strike(plan: Plan, system: System, rules: MailRules, on_line: OnLine) -> list[Fault]:
    """Make faults until enough have happened; some that are tried can't happen, and don't count."""
    chance = random.Random(plan.seed)
    weights = [kind.weight for kind in plan.kinds]
    deadline = time.monotonic() + plan.seconds
    happened: list[Fault] = []
    free = threading.Semaphore(AT_ONCE)
    under_way = 0
    counting = threading.Lock()

    def one(kind: FaultType, seed: int) -> None:
        nonlocal under_way
        try:
            done = kind.inject(Context(system, rules, chance=random.Random(seed)))
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            on_line(f"  {kind.name} could not be done: {error}")
            done = []
        finally:
            free.release()
        with counting:
            under_way -= 1
            happened.extend(done)
            count = len(happened)
        for fault in done:
            on_line(f"{count:5}  {fault.kind}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        while time.monotonic() < deadline:
            with counting:
                if len(happened) >= plan.faults:
                    break
                enough = len(happened) + under_way >= plan.faults
            if enough:
                time.sleep(0.05)
                continue
            free.acquire()
            with counting:
                under_way += 1
            [kind] = chance.choices(plan.kinds, weights)
            pool.submit(one, kind, chance.getrandbits(32))
            time.sleep(PACE * chance.uniform(0.5, 1.5))
    return sorted(happened, key=lambda fault: fault.at)


def _heal(system: System, rules: MailRules) -> None:
    """No new faults, and an end to those that last."""
    rules.clear()
    for armed in (system.folder / "steps").glob("*"):
        if not armed.suffix:
            armed.unlink(missing_ok=True)
    for pid in list(system.stopped):
        system.signal(pid, signal.SIGCONT)
    system.all_up()
