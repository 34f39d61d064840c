"""What a mail sink can be told at its start."""

from dataclasses import dataclass
from pathlib import Path

SIZE_LIMIT = 25 * 1024 * 1024
"""Bytes of the largest mail taken, announced with the SIZE extension (RFC 1870)."""

RECIPIENT_LIMIT = 100
"""Recipients a mail may have: what RFC 5321 §4.5.3.1.8 asks every server to take."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of a sink; ports of 0 take a free one."""

    directory: Path
    token: str
    host: str = "127.0.0.1"
    smtp_port: int = 0
    inbox_port: int = 0
    allowed_hosts: tuple[str, ...] = ()
    """Names besides the loopback ones and `host` that a browser may call the inbox by."""
    keep: int = 10_000
    """Mails whose content is kept; 0 keeps all."""
    starttls: bool = False
    credentials: tuple[str, str] | None = None
    """User and password that a client must give; `None` takes any login, and mail without one."""
    job_url: str | None = None
    """Where the job behind a mail can be seen, with `{id}` for the value of its X-Job-Id."""
