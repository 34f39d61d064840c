"""The mail sink: SMTP server, store and inbox, started and stopped together."""

import sqlite3
import threading
from contextlib import ExitStack
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

from local_smtp.faults import Faults
from local_smtp.models import Mail, Stats
from local_smtp.servers import Servers
from local_smtp.session import Session
from local_smtp.settings import Settings
from local_smtp.shared.resources import ResourceError, listen, take_directory
from local_smtp.store.reader import Reader
from local_smtp.store.statements import Receipt
from local_smtp.store.writer import Writer
from local_smtp.web.app import create_app
from local_smtp.web.events import Events
from local_smtp.web.inbox import Inbox

_DATABASE = "mail.sqlite3"


class MailSink:
    """A mail sink that runs in a `with` block.

    Its directory contains one database, for one sink at a time. A sink that is started on the same
    directory again shows the same mails.

    Raises:
        ResourceError: a port is taken, or the directory cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.faults = Faults()
        self._arrival = threading.Condition()
        self._running = ExitStack()

    @property
    def smtp(self) -> str:
        """The address of the SMTP server, as HOST:PORT."""
        return _authority(self.settings.host, self.smtp_port)

    @property
    def inbox(self) -> str:
        """The URL of the inbox, without its token."""
        return f"http://{_authority(self.settings.host, self._inbox_port)}"

    @property
    def page(self) -> str:
        """The URL of the inbox with its token."""
        return f"{self.inbox}/?token={self.settings.token}"

    def stats(self) -> Stats:
        """Return the numbers of mails, after all earlier changes are stored."""
        return self._inbox.stats()

    def mails(self) -> list[Mail]:
        """Return all mails in the order of their arrival."""
        return self.reader.page("", limit=2**31, before=None).messages[::-1]

    def message(self, mail: Mail) -> EmailMessage:
        """Return a mail, parsed by Python's `email` package.

        Raises:
            LookupError: the mail has been deleted.
        """
        raw = self.reader.raw(mail.id)
        if raw is None:
            raise LookupError(f"the mail {mail.id} has been deleted")
        return message_from_bytes(raw, policy=policy.default)

    def wait_for(self, count: int, timeout: float = 10.0) -> list[Mail]:
        """Wait until the inbox has at least `count` mails (without duplicates). Return them all.

        Args:
            timeout: seconds.

        Raises:
            TimeoutError: the inbox had fewer mails when the time was over.
        """
        with self._arrival:
            if not self._arrival.wait_for(lambda: self.reader.stats().distinct >= count, timeout):
                raise TimeoutError(f"{len(self.mails())} of {count} mails arrived in {timeout:g} s")
        return self.mails()

    def clear(self) -> None:
        """Empty the inbox, set its counters to zero, and delete all fault rules."""
        self.faults.put([])
        self._events.publish("faults")
        self._inbox.delete_all()

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            self._start(starting)
            self._running = starting.pop_all()
        return self

    def __exit__(self, *exception: object) -> None:
        self._running.close()

    def _start(self, starting: ExitStack) -> None:
        settings = self.settings
        if (folder := settings.dir) is None:
            temporary = TemporaryDirectory(prefix="mail-sink-", ignore_cleanup_errors=True)
            folder = Path(starting.enter_context(temporary))
        starting.enter_context(take_directory(folder, "mail sink"))
        self.dir = folder.resolve()
        smtp = starting.enter_context(listen(settings.host, settings.smtp_port, "--smtp-port"))
        http = starting.enter_context(listen(settings.host, settings.inbox_port, "--inbox-port"))
        self.smtp_port: int = smtp.getsockname()[1]
        self._inbox_port: int = http.getsockname()[1]
        self.reader = Reader(self.dir / _DATABASE)
        self._events = Events(self.reader)
        try:
            self._writer = writer = Writer(self.dir / _DATABASE, self._stored)
        except (sqlite3.Error, OSError) as error:
            raise ResourceError(
                f"Mails can't be stored in {self.dir}: {error}. Choose another --dir."
            ) from None
        starting.callback(writer.close)
        self._inbox = Inbox(self.reader, writer, self.faults, self._events)
        session = partial(Session, settings.host, writer, self.faults, self._events.publish)
        app = create_app(self._inbox, settings, self._inbox_port)
        starting.callback(Servers(smtp, session, http, app).stop)
        starting.callback(self._events.publish, None)

    def _stored(self, receipts: list[Receipt]) -> None:
        with self._arrival:
            self._arrival.notify_all()
        self._events.publish(receipts)


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
