"""The delivery of mails to the mail server. Each thread keeps one connection open.

After the reply ``250`` the server is responsible for the mail (RFC 5321, section 4.2.5). If the
connection breaks after the mail was sent and before the reply, the sender cannot know whether the
server has the mail (RFC 1047). So the job is tried again, with the same Message-ID.
"""

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
    """Send the mail, and wait until the server has accepted it.

    Without the safeguard DEDUPE, each delivery has a new Message-ID.

    Raises:
        MailRefused: the server refuses the mail permanently.
        MailDeferred: the server does not accept the mail now, or does not answer.
        LeaseLost: another worker may have the job now.
    """
    context = current()
    if not settings().has(Safeguard.DEDUPE):
        mail = replace(mail, message_id=f"<{uuid.uuid4()}@no-dedupe.test>")
    content = mail.to_bytes("" if context is None else context.job.id)
    try:
        _begin(mail)
        _data(content)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        _drop()
        raise as_mail_error(error) from error
    except BaseException:  # such as JobTimeout: this SMTP session can't be continued
        _drop()
        raise
    hit(Step.REPLY_RECEIVED)
    note("message_id", mail.message_id)


def _begin(mail: Mail) -> None:
    kept: smtplib.SMTP | None = getattr(_local, "smtp", None)
    if kept is not None:
        try:
            return _envelope(kept, mail)
        except OSError as error:  # includes all exceptions of smtplib
            if isinstance(error, smtplib.SMTPResponseException) and error.smtp_code != 421:
                raise  # a reply about this mail; only 421 closes the connection (RFC 5321, 3.8)
            _drop()  # the server has closed the idle connection; the mail was not sent yet
    try:
        _local.smtp = connect(settings())
    except smtplib.SMTPResponseException as error:
        raise MailServerAway(f"the mail server rejected this client: {answer_of(error)}") from error
    _envelope(_local.smtp, mail)


def _envelope(smtp: smtplib.SMTP, mail: Mail) -> None:
    _expect(250, *smtp.mail(mail.sender.address))
    code, reply = smtp.rcpt(mail.to.address)
    if code != 251:  # 251: the server forwards the mail (RFC 5321, section 3.4)
        _expect(250, code, reply)


def _data(content: bytes) -> None:
    smtp: smtplib.SMTP = _local.smtp
    smtp.putcmd("data")
    _expect(354, *smtp.getreply())
    hit(Step.MAIL_BEGUN)
    checkpoint()  # as late as possible: the lease may have expired while the server was slow
    # double each dot at the start of a line (RFC 5321, section 4.5.2)
    stuffed = content.replace(b"\r\n.", b"\r\n..")
    smtp.send(stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"))
    hit(Step.MAIL_SENT)
    _expect(250, *smtp.getreply())


def _expect(expected: int, code: int, reply: bytes) -> None:
    if code != expected:
        raise smtplib.SMTPResponseException(code, reply)


def _drop() -> None:
    smtp = getattr(_local, "smtp", None)
    _local.smtp = None
    if smtp is not None:
        with suppress(Exception):
            smtp.close()
