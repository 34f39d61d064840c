"""Hand a mail to the mail server, over one kept-open connection a thread.

After the server's ``250`` the mail is the server's (RFC 5321, section 4.2.5). When the
connection breaks after the mail was sent and before the answer, a sender can't know (RFC 1047):
the job is tried again, with the same Message-ID.
"""

from __future__ import annotations

import smtplib
import threading
import uuid
from contextlib import suppress
from dataclasses import replace

from demo_app.failpoints import Step, hit
from demo_app.jobs.context import checkpoint, current, note
from demo_app.mail.connection import MailServerAway, answer_of, as_mail_error, connect
from demo_app.mail.message import Mail
from demo_app.settings import Safeguard, settings

_local = threading.local()


def deliver(mail: Mail) -> None:
    """Send the mail; returns after the server has taken it over.

    Raises MailRefused or MailDeferred, and LeaseLost when the job is another worker's by now.
    """
    context = current()
    if not settings().has(Safeguard.DEDUPE):
        mail = replace(mail, message_id=f"<{uuid.uuid4()}@no-dedupe.test>")
    content = mail.to_bytes("" if context is None else context.job.id)
    try:
        _begin(mail)
        _data(content)
    except (OSError, smtplib.SMTPException) as error:
        _drop()
        raise as_mail_error(error) from error
    except BaseException:  # stopped in the middle of a dialogue that can't be taken up again
        _drop()
        raise
    hit(Step.REPLY_RECEIVED)
    note("message_id", mail.message_id)


def _begin(mail: Mail) -> None:
    kept: smtplib.SMTP | None = getattr(_local, "smtp", None)
    if kept is not None:
        try:
            return _envelope(kept, mail)
        except OSError as error:  # as is every exception of smtplib
            if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code != 421:
                raise  # an answer about this mail, not a farewell (RFC 5321, section 3.8)
            _drop()  # the server closed an idle connection; nothing was sent yet
    try:
        _local.smtp = connect(settings())
    except smtplib.SMTPResponseException as error:
        raise MailServerAway(f"the mail server lets nobody in: {answer_of(error)}") from error
    _envelope(_local.smtp, mail)


def _envelope(smtp: smtplib.SMTP, mail: Mail) -> None:
    _expect(250, *smtp.mail(mail.sender.address))
    _expect(250, *smtp.rcpt(mail.to.address))


def _data(content: bytes) -> None:
    smtp: smtplib.SMTP = _local.smtp
    smtp.putcmd("data")
    _expect(354, *smtp.getreply())
    hit(Step.MAIL_BEGUN)
    checkpoint()  # as late as can be: a slow server may have let the lease run out meanwhile
    # a line that begins with a dot gets a second one (RFC 5321, section 4.5.2)
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    smtp.send(stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"))
    hit(Step.MAIL_SENT)
    _expect(250, *smtp.getreply())


def _expect(wanted: int, code: int, answer: bytes) -> None:
    if code != wanted:
        raise smtplib.SMTPResponseException(code, answer)


def _drop() -> None:
    smtp = getattr(_local, "smtp", None)
    _local.smtp = None
    if smtp is not None:
        with suppress(Exception):
            smtp.close()
