"""Every setting of the demo app, typed, from environment variables that begin with ``DEMO_``."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

#: What a mail server's URL may begin with, and the port that each has if none is named.
SMTP_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
#: An address of PostgreSQL; of what else it might be, libpq would take a password for the host.
_POSTGRES = re.compile(r"postgres(ql)?://([^/?#@]*@)?[^/?#@]*(/[^/?#@]*)?(\?[^#@]*)?")
#: Characters that a start-up token has at least; a shorter one could be found by trying.
SHORTEST_TOKEN = 16


class BackendName(StrEnum):
    """Who runs the jobs."""

    INLINE = "inline"
    MEMORY = "memory"
    CELERY = "celery"
    RQ = "rq"
    HUEY = "huey"


class Safeguard(StrEnum):
    """What keeps jobs from being lost and mails from showing twice; experiments may omit one."""

    OUTBOX = "outbox"
    KEEP = "keep"  # the outbox keeps a job until it is done, not only until the queue has it
    ATOMIC_CLAIM = "atomic_claim"
    RESCUE = "rescue"
    LEASE = "lease"
    DEDUPE = "dedupe"


class Transport(StrEnum):
    """How the Celery worker takes jobs: with claims (ours), or as Celery comes (stock)."""

    CLAIMS = "claims"
    STOCK = "stock"


def split(value: object) -> object:
    """The parts of a text that has commas between them; anything else is left as it is."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _long_enough(token: str) -> str:
    if 0 < len(token) < SHORTEST_TOKEN:
        raise ValueError(f"a token has at least {SHORTEST_TOKEN} characters")
    return token


Token = Annotated[str, AfterValidator(_long_enough)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)]


class Settings(BaseSettings):
    """The settings of one process; every part of the stack reads the same ones."""

    model_config = SettingsConfigDict(
        env_prefix="DEMO_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    dir: Path = Field(Path("demo-data"), description="where all state lives")
    backend: str = Field(
        BackendName.CELERY, description="a module in demo_app.backends, or package.module:callable"
    )
    transport: Transport = Field(
        Transport.CLAIMS, description="how Celery's worker takes jobs: claims or stock"
    )
    redis_url: str = Field(
        "redis://127.0.0.1:6379/0",
        description="redis://…, rediss://…, valkey://…, redis+socket:///path or sentinel://…/name",
    )
    database_url: str = Field(
        "", description="PostgreSQL for the blog, not SQLite: postgresql://user:password@host/name"
    )
    twin_url: str = Field("", description="Redis of the stock Celery to compare with on the stage")
    smtp_url: str = Field(
        "smtp://127.0.0.1:2525",
        description="smtp://[user:password@]host[:port], or smtps:// or smtp+starttls:// for TLS",
    )
    smtp_ca_file: FilePath | None = Field(
        None, description="who vouches for the mail server's certificate, instead of the system's"
    )
    inbox_url: str = Field("", description="the sink's web page, for links")
    token: Token = Field("", description="opens /jobs, /stage and /api/jobs")
    web_host: str = Field("127.0.0.1", description="the address that the web app listens on")
    web_port: int = Field(0, description="its port; 0 takes a free one")
    comment_burst: int = Field(
        2000, ge=1, description="comments one address may post at once without the token"
    )
    comments_per_second: float = Field(
        20.0, gt=0, description="and how fast it may go on; a class behind a proxy is one address"
    )
    proxies: str = Field(
        "", description="proxies whose X-Forwarded-For is believed: addresses, comma separated"
    )
    public_hosts: Words = Field(
        (), description="further host names that the web app answers to, comma separated"
    )
    tasks: Words = Field((), description="further modules with @task functions, comma separated")
    queues: Words = Field(
        ("mail", "default"), description="what a worker works on, first one first"
    )
    concurrency: int = Field(4, ge=1, description="jobs that one worker process runs at once")
    sender: str = Field("The blog <blog@blog.test>", description="who the mails are from")

    lease_seconds: float = Field(3.0, gt=0, description="a worker silent for longer is dead")
    beat_seconds: float = Field(0.5, gt=0, description="how often a worker renews its lease")
    visibility_seconds: float = Field(3600.0, gt=0, description="stock transport only")
    max_rescues: int = Field(3, ge=1, description="a job rescued more often is a poison pill")
    poison_pause: float = Field(
        60.0, ge=0, description="seconds before the last try of a poison pill, alone"
    )
    job_seconds: float = Field(300.0, gt=0, description="a job running for longer is ended")
    stop_seconds: float = Field(
        25.0, gt=0, description="after SIGTERM, how long a worker goes on with what it has"
    )
    smtp_seconds: float = Field(10.0, gt=0, description="how long one SMTP command may take")
    journal_length: int = Field(
        100_000, ge=1000, description="changes of state kept in the journal"
    )
    history_length: int = Field(20_000, ge=100, description="finished jobs kept for the dashboard")
    history_bytes: int = Field(
        100_000_000, ge=100_000, description="bytes of finished jobs kept for the dashboard"
    )
    without: Annotated[frozenset[Safeguard], NoDecode, BeforeValidator(split)] = Field(
        frozenset(), description="safeguards left out, for experiments only"
    )
    control: Path | None = Field(
        None, description="the pipe to who started this process, and starts again what died"
    )
    controls: bool = Field(False, description="pages offer keys that kill the stack's processes")

    @field_validator("smtp_url")
    @classmethod
    def _understood(cls, value: str) -> str:
        try:
            parts = urlsplit(value)
            understood = parts.scheme in SMTP_PORTS and parts.hostname and parts.port != 0
        except ValueError:  # its text may quote a part of the password
            understood = False
        if not understood:
            raise ValueError(
                "a mail server is named by smtp://[user:password@]host[:port], or by smtps://… "
                "or smtp+starttls://… for TLS"
            )
        return value

    @field_validator("database_url")
    @classmethod
    def _of_postgres(cls, value: str) -> str:
        if value and not _POSTGRES.fullmatch(value):
            raise ValueError(
                "a database is named by postgresql://[user[:password]@]host[:port]/name, "
                "where / ? # @ in a password are %2F %3F %23 %40"
            )
        return value

    @property
    def database(self) -> Path:
        """The blog's SQLite file."""
        return self.dir / "blog.sqlite3"

    @property
    def task_modules(self) -> tuple[str, ...]:
        """The modules with jobs: the demo app's, and those that were named."""
        return ("demo_app.tasks", *self.tasks)

    @property
    def smtp_address(self) -> tuple[str, int]:
        """Host and port of the mail server."""
        parts = urlsplit(self.smtp_url)
        return parts.hostname or "127.0.0.1", parts.port or SMTP_PORTS[parts.scheme]

    def has(self, safeguard: Safeguard) -> bool:
        """Whether the safeguard is in force."""
        return safeguard not in self.without


@lru_cache(maxsize=1)
def settings() -> Settings:
    """This process's settings, read once; one that does not fit ends it with a sentence."""
    try:
        return Settings()
    except ValidationError as error:
        name, why = complaint(error)
        sys.exit(f"{variable(name)}: {why}.")


def variable(name: str) -> str:
    """The environment's variable for a setting."""
    return f"DEMO_{name.upper()}"


def complaint(error: ValidationError) -> tuple[str, str]:
    """The field that does not fit ("" when it is several together), and why."""
    first = error.errors()[0]
    return str(*first["loc"][:1]), first["msg"].removeprefix("Value error, ")
