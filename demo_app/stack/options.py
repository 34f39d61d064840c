"""The options of a stack; they have the same names on the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from demo_app.jobs.backend import known_backends
from demo_app.settings import SHORTEST_TOKEN, BackendName, Safeguard, Transport


class StackError(Exception):
    """The stack can't start or go on; the message is one sentence for a person."""


@dataclass(frozen=True, slots=True)
class Options:
    """See ``python -m demo_app up --help``.

    dir: where all state lives; None takes a temporary folder and removes it in the end.
    workers: worker processes; concurrency: threads in each. A port of 0 takes a free one.
    restart: whether a worker that dies is started again. lease: seconds after which a silent
    worker counts as dead. controls: whether the pages offer keys that kill processes.
    report_deaths: whether Redis is told of a worker's death as soon as it is seen, so that its jobs
    are rescued at once; else when its lease has run out, as for a machine that is gone.
    twin: whether a worker of stock Celery runs beside ours, to be compared with on the stage.
    token: the start-up token; "" takes the folder's own.
    environment: further DEMO_* settings for every process, for experiments.
    """

    dir: Path | None = None
    workers: int = 1
    concurrency: int = 4
    backend: str = BackendName.CELERY
    transport: Transport = Transport.CLAIMS
    redis_url: str | None = None
    appendfsync: str = "everysec"
    persistence: bool = True
    web_port: int = 0
    inbox_port: int = 0
    smtp_port: int = 0
    restart: bool = True
    lease: float | None = None
    controls: bool = False
    report_deaths: bool = False
    twin: bool = False
    token: str = ""
    tasks: tuple[str, ...] = ()
    without: frozenset[Safeguard] = frozenset()
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:  # plain words will do, as in Stack(backend="memory")
            object.__setattr__(self, "transport", Transport(self.transport))
            object.__setattr__(self, "without", frozenset(map(Safeguard, self.without)))
        except ValueError as error:
            raise StackError(f"{error}.") from None
        if ":" not in self.backend and self.backend not in known_backends():
            raise StackError(
                f"There is no backend {self.backend!r}: it is one of "
                f"{', '.join(known_backends())}, or package.module:callable."
            )
        if self.workers < 0 or self.concurrency < 1:
            raise StackError("There must be at least 0 workers, with at least 1 thread each.")
        if self.appendfsync not in ("always", "everysec", "no"):
            raise StackError("appendfsync is one of always, everysec, no.")
        if self.twin and (self.redis_url is not None or self.transport is not Transport.CLAIMS):
            raise StackError("The twin needs the bundled Redis, and workers that claim.")
        others = self.backend == BackendName.RQ or self.transport is not Transport.CLAIMS
        if others and (self.redis_url or "").startswith("sentinel://"):
            raise StackError("Only the backend celery, with claims, asks Sentinel where Redis is.")
        if self.lease is not None and self.lease <= 0:
            raise StackError("A lease lasts longer than 0 seconds.")
        if 0 < len(self.token) < SHORTEST_TOKEN:
            raise StackError(f"The token is too short: at least {SHORTEST_TOKEN} characters.")
        for port in (self.web_port, self.inbox_port, self.smtp_port):
            if not 0 <= port <= 65535:
                raise StackError(f"{port} is no port; a port is 0 to 65535.")
