"""The picture of the stage at one moment: the place of each job, and the numbers of jobs.

Each job is a token. A token is shown on a floor: an area of the page, such as the outbox, the
queue, a worker or the inbox.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from demo_app.broker.fold import WorkerRecord
from demo_app.broker.snapshot import Worker, pid_of
from demo_app.broker.web.shared.language import Translations
from demo_app.broker.where import Place
from demo_app.settings import BackendName
from demo_app.web.delivery import DeliveryStatus

#: Maximum number of tokens on one floor; further jobs are only counted.
TOKENS = 120
#: Maximum numbers of tokens for delivered mails and for lost jobs. The newest are shown.
DELIVERED = 24
LOST = 40
SUMS = ("waiting", "running", "held", "delivered", "lost", "discarded")


@dataclass(frozen=True, slots=True)
class Picture:
    """The stage at one moment.

    Attributes:
        sums: the number of jobs for each name in SUMS (`held`: running jobs of dead workers), and
            for `posted` (all jobs).
        floors: the tokens of each floor, in their order. A worker's floor has the worker's id as
            its name.
        hidden: for each floor, the number of tokens that are not shown.
        dead: the number of dead jobs.
        ids_by_sum: for each name in SUMS, the ids of the comments whose jobs this sum counts.
        redis: True if Redis answers; None for a backend without Redis.
        paused: True if a queue is paused.
        mail: the state of the mail server: well, slow, down, odd or away (see `Sink.mood`).
        mail_seconds: seconds that a slow mail server takes for a mail; 0 if it is not slow.
        twice: the number of duplicate mails, which have no token.
        last_kill: the worker that was killed last in this round.
        moment: the shown moment of a replay (epoch seconds); None for the present.
        tape: {} for the present. For a replay, it has the keys `since` and `until` (the start and
            the end), `moment` (the shown moment), `previous` and `next` (the times of the events
            before and after the moment, or None), and `marks` (the bookmarks).
    """

    sums: dict[str, int]
    floors: dict[str, list[DeliveryStatus]]
    hidden: dict[str, int]
    dead: int
    ids_by_sum: dict[str, list[int]] = field(default_factory=dict)
    workers: tuple[Worker, ...] = ()
    backend: str = ""
    redis: bool | None = None
    paused: bool = False
    persistence: str = ""
    mail: str = "well"
    mail_seconds: float = 0.0
    twice: int = 0
    last_kill: WorkerRecord | None = None
    moment: float | None = None
    tape: dict[str, Any] = field(default_factory=dict)

    @property
    def sending(self) -> int:
        """The number of mails that are being sent; 0 unless the mail server is slow."""
        busy = sum(len(self.floors[worker.id]) for worker in self.workers if worker.alive)
        return busy if self.mail == "slow" else 0

    @property
    def killed_pid(self) -> int:
        return pid_of(self.last_kill.id) if self.last_kill else 0

    @property
    def rescued(self) -> int:
        ended = ("inbox", "lost", "dead")
        tokens = (one for floor, ones in self.floors.items() if floor not in ended for one in ones)
        return sum(one.rescued for one in tokens)

    def in_words(self, t: Translations) -> list[tuple[str, bool]]:
        """Return sentences for a screen reader, each with True if the page shows it to everyone.

        A sentence with False repeats the information of the page's tokens and numbers.
        """
        begins = not self.sums["posted"] and self.moment is None
        sums = t("stage.says.start") if begins else t("stage.says.sums", **self.sums)
        sentences = [(sums, begins)]
        if self.dead:
            sentences.append((t("stage.says.dead", n=self.dead), False))
        if self.redis is False:
            sentences.append((t("stage.says.redis_away"), True))
        killed = [worker for worker in self.workers if not worker.alive]
        if killed:
            held = sum(worker.running for worker in killed)
            sentences.append((t("stage.says.worker_dead", n=len(killed), jobs=held), False))
        if self.rescued:
            sentences.append((t("stage.says.rescued", jobs=self.rescued), False))
        if self.mail in ("slow", "down", "away"):
            sentences.append((t(f"stage.says.mail_{self.mail}"), False))
        return sentences


def floors_and_sums(
    found: list[DeliveryStatus], in_order: list[str], workers: dict[str, bool]
) -> dict[str, Any]:
    """Return the fields of `Picture` about the notifications: their floors and sums.

    Args:
        found: the notifications, in the order of their comments, the newest first.
        in_order: the ids of queued jobs, the next to run first.
        workers: the workers with a floor, each with True if it is alive.
    """
    spot = {job_id: number for number, job_id in enumerate(in_order)}
    floors: dict[str, list[DeliveryStatus]] = defaultdict(list)
    for one in reversed(found):
        floors[_floor(one, workers)].append(one)
    floors["queue"].sort(key=lambda one: spot.get(one.notice.job_id, TOKENS))
    shown = {floor: ones[:TOKENS] for floor, ones in floors.items()}
    shown["inbox"] = floors["inbox"][: -DELIVERED - 1 : -1]  # the newest first
    shown["lost"] = floors["lost"][-LOST:]
    ids_by_sum: dict[str, list[int]] = {name: [] for name in SUMS}
    for one in reversed(found):
        ids_by_sum[_sum(one, workers)].append(one.notice.comment_id)
    sums = {"posted": len(found), **{name: len(ones) for name, ones in ids_by_sum.items()}}
    hidden = {name: len(floors[name]) - len(shown[name]) for name in shown}
    lists = {"floors": defaultdict(list, shown), "ids_by_sum": ids_by_sum}
    return {**lists, "sums": sums, "hidden": hidden, "dead": len(floors["dead"])}


def _sum(one: DeliveryStatus, workers: dict[str, bool]) -> str:
    if one.place is Place.RUNNING and not workers.get(one.holder, True):
        return "held"
    return one.place if one.place in SUMS else "waiting"


def _floor(one: DeliveryStatus, workers: dict[str, bool]) -> str:
    if one.backend == BackendName.INLINE and one.place in (Place.RUNNING, Place.LATER):
        return "readers"  # with the backend `inline`, the comment's author waits for the job
    if one.place is Place.RUNNING:
        owner = one.holder if one.holder in workers else "unseen"
        return "memory" if one.backend else owner
    if one.place in (Place.QUEUED, Place.UNSURE):
        return "queue"
    return "inbox" if one.place in (Place.DELIVERED, Place.DISCARDED) else one.place.value
