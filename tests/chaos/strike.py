"""Make the faults happen, several at once, and end those that last."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
from redis import RedisError

from chaos.context import Context, Fault, FaultType, MailRules
from chaos.plan import Plan
from chaos.system import System
from demo_app.rig.polling import poll, until

#: How many may be under way at once.
AT_ONCE = 8
#: Seconds for which the next one waits, at the most, for a comment that is accepted.
LONGEST = 5.0


def strike(
    plan: Plan,
    chance: random.Random,
    system: System,
    rules: MailRules,
    accepted: list[float],
    on_line: Callable[[str], None],
) -> list[Fault]:
    """Make the plan's faults happen; some that are tried can't happen, and don't count.

    accepted: grows with each comment that is accepted. A new fault waits for the next one, so that
    on a slow machine not all of them meet a system that is down.
    """
    weights = [kind.weight for kind in plan.kinds]
    happened: list[Fault] = []
    tried: list[Future[None]] = []

    def one(kind: FaultType, seed: int) -> None:
        try:
            done = kind.inject(Context(system, rules, chance=random.Random(seed)))
        except (httpx.HTTPError, OSError, RedisError) as error:
            on_line(f"  {kind.name} could not be done: {error}")
            return
        for fault in done:
            happened.append(fault)
            on_line(f"{len(happened):5}  {fault.kind}")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in poll(plan.seconds):
            if len(happened) >= plan.faults:
                break
            under_way = sum(not future.done() for future in tried)
            if under_way == AT_ONCE or len(happened) + under_way >= plan.faults:
                continue
            [kind] = chance.choices(plan.kinds, weights)
            tried.append(pool.submit(one, kind, chance.getrandbits(32)))
            before = len(accepted)
            time.sleep(plan.pace * chance.uniform(0.5, 1.5))
            until(lambda before=before: len(accepted) > before, LONGEST)
    return sorted(happened, key=lambda fault: fault.at)


def heal(system: System, rules: MailRules) -> None:
    """No new faults, and an end to those that last."""
    rules.only()
    for armed in (system.folder / "steps").glob("*"):
        if not armed.suffix:
            armed.unlink(missing_ok=True)
    for pid in list(system.stopped):
        system.signal(pid, signal.SIGCONT)
    system.all_up()
