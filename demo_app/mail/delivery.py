"""Hand a mail to the mail server, over one kept-open connection a thread.

After the server's ``250`` the mail is the server's (RFC 5321, section 4.2.5). When the
connection breaks after the mail was sent and before the answer, a sender can't know (RFC 1047):
the job is tried again, with the same Message-ID.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - else the first connection imports it while its mail waits
import smtplib
import threading
import uuid
from contextlib import suppress
from dataclasses import replace
from urllib.parse import unquote, urlsplit

from demo_app.failpoints import Step, hit
from demo_app.jobs.context import checkpoint, current, note
from demo_app.mail.message import Mail
from demo_app.settings import Safeguard, Settings, settings


class MailError(Exception):
    """The mail was not accepted; says what the server said."""


class MailRefused(MailError):
    """For good: a 5xx answer about this mail (RFC 5321, section 4.2.1), which will get it again."""


class MailDeferred(MailError):
    """For now: a 4xx answer, or none at all, or a server that lets nobody in: a 5xx greeting, a
    wrong password. That says nothing about this mail, and passes when somebody mends it."""


#: 5xx answers that are about the session, whatever the mail: a command out of order (RFC 5321),
#: a log-in that is wanted or was wrong, an encryption that is wanted (RFC 4954, section 6).
_ABOUT_THE_SESSION = (503, 530, 534, 535, 538)
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
        raise _as_mail_error(error) from error
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
        _local.smtp = _connect(settings())
    except smtplib.SMTPResponseException as error:
        raise MailDeferred(f"the mail server lets nobody in: {_said(error)}") from error
    _envelope(_local.smtp, mail)


def _connect(chosen: Settings) -> smtplib.SMTP:
    parts = urlsplit(chosen.smtp_url)
    host, port = chosen.smtp_address
    smtp = smtplib.SMTP(host, port, local_hostname="blog.test", timeout=chosen.smtp_seconds)
    try:
        smtp.ehlo_or_helo_if_needed()
        if parts.scheme == "smtp+starttls":
            smtp.starttls()
            smtp.ehlo()
        if parts.username:
            smtp.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        smtp.close()
        raise
    return smtp


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


def _as_mail_error(error: Exception) -> MailError:
    if isinstance(error, smtplib.SMTPResponseException):
        for_good = 500 <= error.smtp_code < 600 and error.smtp_code not in _ABOUT_THE_SESSION
        return (MailRefused if for_good else MailDeferred)(f"the mail server said {_said(error)}")
    return MailDeferred(f"the mail server did not answer: {_said(error)}")


def _said(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        return f"{error.smtp_code} {words}"
    return str(error) or type(error).__name__


def _drop() -> None:
    smtp = getattr(_local, "smtp", None)
    _local.smtp = None
    if smtp is not None:
        with suppress(Exception):
            smtp.close()
