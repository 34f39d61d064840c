"""The typed settings of the demo app, from environment variables with the prefix ``DEMO_``."""

import re
import sys
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    FilePath,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

#: The hosts with which a server listens on all addresses of its machine.
ALL_ADDRESSES = ("0.0.0.0", "::")
#: The schemes of a mail server's URL with their default ports.
SMTP_PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
_USER, _PORT = r"([^/?#]*@)?", r"(:(?P<port>\d{1,5}))?"
_HOST = r"([^/?#@:\[\]]+|\[[0-9A-Fa-f:.]+\])"
_ENCODED = "and write / ? # @ in a password as %2F %3F %23 %40"
#: For each setting with an address: its pattern, and its form for messages. Libraries accept an
#: unencoded / ? # @ in a password, but may mistake a part of the password for the host.
_ADDRESSES = {
    "database_url": (
        r"|postgres(ql)?://([^/?#@]*@)?[^/?#@]*(/[^/?#@]*)?(\?[^#@]*)?",
        "a PostgreSQL URL; use postgresql://[user[:password]@]host[:port]/name, " + _ENCODED,
    ),
    "redis_url": (
        rf"(redis|valkey)s?://{_USER}{_HOST}?{_PORT}(/\d*)?(\?.*)?"
        r"|(redis\+socket|socket|unix|sentinel)://.+",
        "the URL of a Redis server; use redis://[user:password@]host[:port][/database], or "
        "rediss://… for TLS, redis+socket:///path or sentinel://…/name, " + _ENCODED,
    ),
    "smtp_url": (
        rf"smtp(s|\+starttls)?://{_USER}{_HOST}{_PORT}/?",
        "the URL of a mail server; use smtp://[user:password@]host[:port], or "
        "smtps://… or smtp+starttls://… for TLS, " + _ENCODED,
    ),
    "sender": (
        r'("[^"]*" *|[^",<>@]*)<[!-;=?-~]+@[A-Za-z0-9.-]+>|[!-+\--;=?-~]+@[A-Za-z0-9.-]+',
        "a sender of mails; use Name <name@host>",
    ),
    "inbox_url": (rf"|https?://{_HOST}{_PORT}(/.*)?", "the URL of the sink; use http://host:port"),
}
#: A pattern for the Host header: a name, an IPv6 address, or *.name.
_HOST_NAME = re.compile(r"(\*\.)?[A-Za-z0-9._-]+|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*|\*")
#: Shortest start-up token (characters); a shorter one could be guessed.
SHORTEST_TOKEN = 16
#: A valid token. The mail sink accepts the same characters. None of them is escaped in a URL.
_TOKEN = re.compile(rf"[A-Za-z0-9._~-]{{{SHORTEST_TOKEN},200}}")


class BackendName(StrEnum):
    """The names of the built-in backends, which run jobs."""

    INLINE = "inline"
    MEMORY = "memory"
    CELERY = "celery"
    RQ = "rq"
    HUEY = "huey"


class Safeguard(StrEnum):
    """Safeguards against lost jobs and duplicate mails; experiments may switch them off."""

    OUTBOX = "outbox"
    KEEP = "keep"  # the outbox keeps a job until it is done, not only until it is enqueued
    ATOMIC_CLAIM = "atomic_claim"
    RESCUE = "rescue"
    LEASE = "lease"
    DEDUPE = "dedupe"


class Transport(StrEnum):
    """The transport of the Celery worker: this project's (claims) or Celery's own (stock)."""

    CLAIMS = "claims"
    STOCK = "stock"


def split(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _long_enough(token: str) -> str:
    if token and not _TOKEN.fullmatch(token):
        raise ValueError(f"a token needs {SHORTEST_TOKEN} to 200 letters, digits or . _ ~ -")
    return token


@cache
def known_backends() -> list[str]:
    """Return the names of this project's backends: the modules with a function `make`.

    The files are searched as text, since an import needs the backend's library.
    """
    files = sorted((Path(__file__).parent / "backends").glob("*.py"))
    return [file.stem for file in files if "\ndef make(" in file.read_text("utf-8")]


def known(name: str) -> str:
    """Return the name of a backend. Raise ValueError if it is unknown."""
    if ":" not in name and name not in known_backends():
        raise ValueError(
            f"there is no backend {name!r}: use one of {', '.join(known_backends())}, "
            "or package.module:callable for your own"
        )
    return name


Token = Annotated[str, AfterValidator(_long_enough)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)]


class Settings(BaseSettings):
    """The settings of a process. All processes of a stack use this class."""

    model_config = SettingsConfigDict(
        env_prefix="DEMO_",
        frozen=True,
        extra="ignore",
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    dir: Path = Field(Path("demo-data"), description="the folder for all data")
    backend: Annotated[str, AfterValidator(known)] = Field(
        BackendName.CELERY, description="a module in demo_app.backends, or package.module:callable"
    )
    transport: Transport = Field(Transport.CLAIMS, description="Celery transport: claims or stock")
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
        None, description="CA file for the mail server's certificate, instead of the system's"
    )
    inbox_url: Annotated[str, AfterValidator(lambda url: url.rstrip("/"))] = Field(
        "", description="the sink's web page, for links"
    )
    token: Token = Field("", description="opens /jobs, /stage and /api/jobs")
    web_host: str = Field("127.0.0.1", description="the address that the web app listens on")
    web_port: int = Field(0, description="the port of the web app; 0 takes a free port")
    comment_burst: PositiveInt = Field(
        2000, description="comments that one address may post at once without the token"
    )
    comments_per_second: PositiveFloat = Field(
        20.0,
        description="comments per second after that burst; a class behind a proxy is one address",
    )
    proxies: str = Field(
        "", description="addresses of proxies whose X-Forwarded-For is trusted, comma separated"
    )
    public_hosts: Words = Field(
        (), description="further host names of the web app, comma separated"
    )
    tasks: Words = Field((), description="further modules with @task functions, comma separated")
    queues: Words = Field(
        ("mail", "default"), min_length=1, description="a worker's queues, most urgent first"
    )
    concurrency: PositiveInt = Field(4, description="jobs that one worker process runs at once")
    sender: str = Field("The blog <blog@blog.test>", description="sender of the mails")

    lease_seconds: PositiveFloat = Field(3.0, description="length of a worker's lease")
    beat_seconds: PositiveFloat = Field(0.5, description="pause between two renewals of the lease")
    visibility_seconds: PositiveFloat = Field(
        3600.0, description="visibility timeout of Celery's own transport"
    )
    max_rescues: PositiveInt = Field(3, description="rescues of one job before its last try, alone")
    poison_pause: NonNegativeFloat = Field(
        60.0, description="seconds before the last try of a poison pill, alone"
    )
    job_seconds: PositiveFloat = Field(300.0, description="time limit of a job")
    stop_seconds: PositiveFloat = Field(
        25.0, description="how long a worker may finish its jobs after SIGTERM"
    )
    smtp_seconds: PositiveFloat = Field(10.0, description="timeout of one SMTP command")
    journal_length: int = Field(100_000, ge=1000, description="events that the journal keeps")
    history_length: int = Field(
        20_000, ge=100, description="done jobs that are kept, and the same number of discarded jobs"
    )
    history_bytes: int = Field(
        100_000_000, ge=100_000, description="bytes of the ended jobs that are kept"
    )
    without: Annotated[frozenset[Safeguard], NoDecode, BeforeValidator(split)] = Field(
        frozenset(), description="safeguards to leave out, for experiments only"
    )
    control: Path | None = Field(None, description="pipe to the supervisor")
    controls: bool = Field(False, description="show keys on the stage; they kill processes")

    @field_validator(*_ADDRESSES)
    @classmethod
    def _understood(cls, value: str, info: ValidationInfo) -> str:
        pattern, form = _ADDRESSES[str(info.field_name)]
        found = re.fullmatch(pattern, value)
        if not (found and 0 < int(found.groupdict().get("port") or 1) < 65536):
            raise ValueError(f"not {form}")
        return value

    @field_validator("public_hosts")
    @classmethod
    def _names_alone(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _HOST_NAME.fullmatch(host):
                raise ValueError(f"{host!r} must be the name of a host without a port")
        return value

    @model_validator(mode="after")
    def _lease_lasts(self) -> Self:
        if self.lease_seconds <= self.beat_seconds:
            raise ValueError("DEMO_LEASE_SECONDS must be more than DEMO_BEAT_SECONDS")
        return self

    @property
    def database(self) -> Path:
        return self.dir / "blog.sqlite3"

    @property
    def task_modules(self) -> tuple[str, ...]:
        return ("demo_app.tasks", *self.tasks)

    @property
    def smtp_address(self) -> tuple[str, int]:
        parts = urlsplit(self.smtp_url)
        return str(parts.hostname), parts.port or SMTP_PORTS[parts.scheme]

    def has(self, safeguard: Safeguard) -> bool:
        return safeguard not in self.without


@cache
def settings() -> Settings:
    """Return this process's settings. Exit with an error message if a setting is not valid."""
    try:
        return Settings()
    except ValidationError as error:
        name, why = complaint(error)
        sys.exit(f"{variable(name)}: {why}." if name else f"{why}.")


def variable(name: str) -> str:
    return f"DEMO_{name.upper()}"


def complaint(error: ValidationError) -> tuple[str, str]:
    """Return the first invalid field ("" if several together are invalid) and the reason."""
    first = error.errors()[0]
    return str(*first["loc"][:1]), first["msg"].removeprefix("Value error, ")
