"""Faults of connections, such as lost requests and replies, delays, silence and resets."""

import re
import time
from collections.abc import Callable

from chaos.context import Context, Fault, FaultType, Injector
from chaos.system import WIRES
from demo_app.rig.proxy import Proxy


def _lasting(
    begin: Callable[[Proxy], None], end: Callable[[Proxy], None], shortest: float, longest: float
) -> Callable[[Proxy, Context], None]:
    def play(wire: Proxy, context: Context) -> None:
        begin(wire)
        time.sleep(context.chance.uniform(shortest, longest))
        end(wire)

    return play


def _set(name: str, value: object) -> Callable[[Proxy], None]:
    return lambda wire: setattr(wire, name, value)


#: For each fault of a connection, the function that injects it.
_BREAKS: dict[str, Callable[[Proxy, Context], None]] = {
    "cut before the request arrives": _lasting(
        _set("loses_requests", True), _set("loses_requests", False), 0.1, 0.4
    ),
    "cut before the answer arrives": _lasting(
        _set("loses_answers", True), _set("loses_answers", False), 0.2, 0.8
    ),
    "slow": _lasting(_set("delay", 0.15), _set("delay", 0.0), 1.0, 2.0),
    "a hole": _lasting(Proxy.unplug, Proxy.plug_in, 0.5, 4.5),
    "half-open": lambda wire, _: wire.freeze(),
    "reset": lambda wire, _: wire.reset(),
}


def _broken(name: str, how: str) -> Injector:
    def inject(context: Context) -> list[Fault]:
        with context.system.only_one(f"wire to {name}"):
            at = time.time()
            _BREAKS[how](context.system.proxies[name], context)
            return [Fault(f"wire to {name}: {how}", at, time.time())]

    return inject


CLAIM_LOST = "a claim's answer lost"
#: A claim in Redis's reply: the job's id, its queue, the claim's number, 1 if redelivered.
_CLAIMED = re.compile(rb"\$36\r\n[0-9a-f-]{36}\r\n\$\d+\r\n[^\r]+\r\n\$\d+\r\n\d+\r\n\$[01]\r\n")


#: Replies to lose in a row: more than one, so that some belong to workers that die later.
_CLAIMS = 3


def _claims_unanswered(context: Context) -> list[Fault]:
    """Lose the replies to claims, so that workers do not know which jobs they have claimed."""
    with context.system.only_one("wire to redis"):
        wire = context.system.proxies["redis"]
        lost = []
        for _ in range(_CLAIMS):
            wire.lose_answer_like(_CLAIMED)
            if not wire.lost.wait(context.seconds / _CLAIMS):
                break
            lost.append(time.time())
        wire.lose_answer_like(None)
        return [Fault(f"wire to redis: {CLAIM_LOST}", lost[0], lost[-1])] if lost else []


#: Higher weights than the usual 0.8, for the lost replies that matter most.
_WEIGHTS = {
    ("redis", "cut before the answer arrives"): 3.0,
    ("web", "cut before the answer arrives"): 3.0,
}

WIRE_FAULTS: tuple[FaultType, ...] = (
    FaultType(f"wire to redis: {CLAIM_LOST}", 8, _claims_unanswered, stock=False),
    *(
        FaultType(
            f"wire to {name}: {how}",
            _WEIGHTS.get((name, how), 0.8),
            _broken(name, how),
            stock=False,
        )
        for name in WIRES
        for how in _BREAKS
    ),
)
