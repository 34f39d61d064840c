"""The injection of faults, several at the same time, and the end of all faults."""

import random
import signal
import time
from concurrent.futures import Future, ThreadPoolExecutor

import httpx
from redis import RedisError

from chaos.context import Context, Fault, FaultType, MailRules, OnLine
from chaos.plan import Plan
from chaos.system import System
from demo_app.rig.polling import poll, until

#: Maximum number of faults in progress at the same time.
AT_ONCE = 8
#: Longest wait for an accepted comment before the next fault (seconds).
LONGEST = 5.0
#: Seconds without an accepted comment after which the campaign gives up.
SILENCE = 180.0


class StackIsDead(RuntimeError):
    """Raised to end a campaign if no comment was accepted for `SILENCE` seconds."""


def strike(
    plan: Plan, system: System, rules: MailRules, accepted: list[float], on_line: OnLine
) -> list[Fault]:
    """Inject the plan's faults. Return the faults that happened, sorted by time.

    A fault that could not happen is not counted. Before the next fault, wait until a comment is
    accepted, at most `LONGEST` seconds: on a slow machine, the system may still be down.

    Args:
        accepted: the times of the accepted comments. The readers extend this list.

    Raises:
        StackIsDead: no comment was accepted for `SILENCE` seconds.
        Exception: any unexpected error of an injector.
    """
    began, chance = time.time(), random.Random(plan.seed)
    weights = [kind.weight for kind in plan.kinds]
    happened: list[Fault] = []
    running: list[Future[None]] = []

    def attempt(kind: FaultType, seed: int) -> None:
        try:
            done = kind.inject(Context(system, rules, chance=random.Random(seed)))
        except (httpx.HTTPError, OSError, RedisError) as error:
            on_line(f"  {kind.name} could not be done: {error}")
            return
        except Exception as error:
            error.add_note(f"raised by the injector {kind.name!r}")
            raise
        for fault in done:
            happened.append(fault)
            on_line(f"{len(happened):5}  {fault.kind}")

    def raise_errors() -> None:
        for future in [future for future in running if future.done()]:
            running.remove(future)
            future.result()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in poll(plan.seconds):
            if len(happened) >= plan.faults:
                break
            raise_errors()
            if len(running) == AT_ONCE or len(happened) + len(running) >= plan.faults:
                continue
            [kind] = chance.choices(plan.kinds, weights)
            running.append(pool.submit(attempt, kind, chance.getrandbits(32)))
            before = len(accepted)
            time.sleep(plan.pace * chance.uniform(0.5, 1.5))
            if until(lambda before=before: len(accepted) > before, LONGEST):
                continue
            silent = time.time() - max([began, *accepted[-1:]])
            if silent > SILENCE:
                raise StackIsDead(f"no comment was accepted for {silent:.0f} s")
    raise_errors()
    return sorted(happened, key=lambda fault: fault.at)


def heal(system: System, rules: MailRules) -> None:
    """Cancel planned faults, continue paused processes, and wait until all processes run."""
    rules.only()
    for armed in (system.folder / "steps").glob("*"):
        if not armed.suffix:
            armed.unlink(missing_ok=True)
    for pid in list(system.stopped):
        system.signal(pid, signal.SIGCONT)
    system.all_up()
