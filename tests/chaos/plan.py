"""The plan of a campaign, and all types of faults with their weights."""

import signal
from dataclasses import dataclass
from pathlib import Path

from chaos import disks, injectors
from chaos.context import Context, Fault, FaultType, Injector, Rule
from chaos.wire_faults import WIRE_FAULTS
from demo_app.failpoints import Step
from demo_app.settings import Safeguard, Transport


def _mail(kind: str, rule: Rule) -> Injector:
    def inject(context: Context) -> list[Fault]:
        at = context.rules.strike(rule, context.seconds)
        return [] if at is None else [Fault(f"mail: {kind}", at, at)]

    return inject


_DEFER = {"at": "rcpt", "do": "answer", "code": 451, "text": "try again later"}
_REFUSE = {"at": "rcpt", "do": "answer", "code": 550, "text": "no such mailbox"}
_kill_worker = injectors.kill("worker")
_deferred, _refused = _mail("451", _DEFER), _mail("550", _REFUSE)
_reply_dropped = _mail("reply dropped", {"at": "reply", "do": "drop_reply"})

_STEPS_OF_WORKER: dict[Step, tuple[Injector, ...]] = {
    Step.CLAIMED: (),
    Step.STARTED: (),
    Step.MAIL_BEGUN: (),
    Step.MAIL_SENT: (),
    Step.REPLY_RECEIVED: (),
    Step.ACKNOWLEDGED: (),
    Step.RETRY_SCHEDULED: (_deferred,),
    Step.DUE_MOVED: (_deferred,),
    Step.RESCUE_MOVED: (_kill_worker,),
    Step.DIED: (_refused,),
}
_STEPS_OF_WEB = (
    Step.COMMENT_COMMITTED,
    Step.OUTBOX_READ,
    Step.ENQUEUED,
    Step.OUTBOX_HANDED_OVER,
    Step.OUTBOX_SETTLED,
)
#: Steps that a stack with stock Celery has too.
_STOCK = (Step.MAIL_BEGUN, Step.MAIL_SENT, Step.REPLY_RECEIVED, *_STEPS_OF_WEB[:2])

FAULT_TYPES: tuple[FaultType, ...] = (
    FaultType("worker killed", 12, _kill_worker),
    FaultType("worker terminated", 2, injectors.kill("worker", signal.SIGTERM)),
    FaultType("worker terminated twice", 2, injectors.terminate_twice),
    FaultType("worker paused", 4, injectors.pause_worker),
    FaultType("worker paused before its mail", 12, injectors.pause_before_mail),
    FaultType("namesake", 1, injectors.namesake),
    FaultType("web killed", 6, injectors.kill_one_at_a_time("web")),
    FaultType("redis killed", 4, injectors.kill_one_at_a_time("redis")),
    FaultType("redis paused", 2, injectors.pause_redis),
    FaultType("redis log torn", 1.5, disks.torn_log),
    FaultType("redis disk full", 1.5, disks.full_disk("redis")),
    FaultType("web disk full", 2, disks.full_disk("web")),
    FaultType("redis memory full", 1.5, disks.full_memory, stock=False),
    FaultType("redis wiped", 3, injectors.wipe_redis, stock=False),
    FaultType("redis lagged", 2, disks.lagging_replica, stock=False),
    *(
        FaultType(f"{role} without descriptors", 1.5, disks.no_descriptors(role), stock=False)
        for role in ("web", "worker", "smtp")
    ),
    *WIRE_FAULTS,
    FaultType("smtp killed", 6, injectors.kill_one_at_a_time("smtp")),
    FaultType("supervisor killed", 0.5, injectors.kill_supervisor),
    FaultType("mail slow", 3, _mail("a second slow", {"at": "data", "do": "wait", "seconds": 1.0})),
    FaultType("mail 451", 4, _deferred),
    FaultType("mail 452", 3, _mail("452 after DATA", {**_DEFER, "at": "reply", "code": 452})),
    FaultType("mail 421", 2, _mail("421", {**_DEFER, "at": "mail", "code": 421})),
    FaultType("mail 550", 2, _refused),
    FaultType("mail closed", 3, _mail("connection closed", {"at": "data", "do": "close"})),
    FaultType("mail hangs", 3, _mail("hangs", {"at": "reply", "do": "hang"})),
    FaultType("mail reply dropped", 6, _reply_dropped),
    *(
        FaultType(
            f"worker at {step}", 1.5, injectors.at_step(step, "worker", *acts), stock=step in _STOCK
        )
        for step, acts in _STEPS_OF_WORKER.items()
    ),
    *(
        FaultType(f"web at {step}", 3, injectors.at_step(step, "web"), stock=step in _STOCK)
        for step in _STEPS_OF_WEB
    ),
)

#: For each safeguard, the fault that breaks a promise if the safeguard is left out.
AGAINST: dict[Safeguard, FaultType] = {
    Safeguard.OUTBOX: FaultType("commit", 1, injectors.at_step(Step.COMMENT_COMMITTED, "web")),
    Safeguard.KEEP: FaultType("wiped", 1, injectors.wipe_redis),
    Safeguard.ATOMIC_CLAIM: FaultType("popped", 1, injectors.at_step(Step.POPPED, "worker")),
    Safeguard.RESCUE: FaultType("started", 1, injectors.at_step(Step.STARTED, "worker")),
    Safeguard.LEASE: FaultType("asleep", 1, injectors.pause_before_mail),
    Safeguard.DEDUPE: FaultType("no reply", 1, _reply_dropped),
}

#: Average seconds between two faults.
PACE = 0.8


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a campaign.

    A seed fixes the faults and their order, but not their exact times.

    Attributes:
        faults: stop after this number of faults.
        seconds: stop injecting faults after this time.
        without: safeguards to leave out.
        aimed: inject only the faults in `AGAINST` of the safeguards in `without`.
        only: inject only faults whose name contains this text.
        pace: average seconds between two faults.
        patience: seconds without progress after which a missing mail counts as lost.
        history: the file for the history; None: a temporary file.
    """

    faults: int = 1000
    seconds: float = 3600.0
    seed: int = 0
    transport: Transport = Transport.CLAIMS
    without: frozenset[Safeguard] = frozenset()
    patience: float = 30.0
    aimed: bool = False
    only: str = ""
    pace: float = PACE
    history: Path | None = None

    @property
    def stock(self) -> bool:
        return self.transport is Transport.STOCK

    @property
    def kinds(self) -> tuple[FaultType, ...]:
        """Return the types of faults to choose from. Raises ValueError if there are none."""
        kinds = [kind for kind in FAULT_TYPES if kind.stock or not self.stock]
        if self.aimed:
            kinds = [AGAINST[safeguard] for safeguard in sorted(self.without)]
        elif Safeguard.ATOMIC_CLAIM in self.without:
            kinds.append(AGAINST[Safeguard.ATOMIC_CLAIM])
        found = tuple(kind for kind in kinds if self.only in kind.name)
        if not found:
            raise ValueError(f"there is no fault with {self.only!r} in its name")
        return found
