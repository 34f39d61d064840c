"""The mail server that the settings name: a connection to it, and what its answers mean for a mail:
refused for good, or to be tried again."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - else the first connection imports it while its mail waits
import smtplib
import ssl
from urllib.parse import unquote, urlsplit

from demo_app.settings import Settings


def connect(chosen: Settings) -> smtplib.SMTP:
    """A connection on which a mail can begin.

    Raises OSError, as when the server's certificate is not to be trusted, or
    smtplib.SMTPResponseException when the server accepts no client.
    """
    parts = urlsplit(chosen.smtp_url)
    smtp = _greeted(parts.scheme, chosen)
    try:
        smtp.ehlo_or_helo_if_needed()
        if parts.scheme == "smtp+starttls":
            smtp.starttls(context=_trusting(chosen))
            smtp.ehlo()
        if parts.username:
            smtp.login(unquote(parts.username), unquote(parts.password or ""))
    except BaseException:
        smtp.close()
        raise
    return smtp


def _greeted(scheme: str, chosen: Settings) -> smtplib.SMTP:
    host, port = chosen.smtp_address
    name, seconds = "blog.test", chosen.smtp_seconds
    if scheme == "smtps":  # TLS from the first byte (RFC 8314)
        return smtplib.SMTP_SSL(host, port, name, timeout=seconds, context=_trusting(chosen))
    return smtplib.SMTP(host, port, name, timeout=seconds)


def _trusting(chosen: Settings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=chosen.smtp_ca_file)


class MailError(Exception):
    """The mail was not accepted; says what the server said."""


class MailRefused(MailError):
    """For good: a 5xx answer about this mail (RFC 5321, section 4.2.1), which will get it again."""


class MailDeferred(MailError):
    """For now: a 4xx answer, or none, or a server that accepts no client (a 5xx greeting, a wrong
    password). That is not about this mail, and ends when the cause is fixed."""


class MailServerAway(MailDeferred):
    """There is no answer at all, or it lets nobody in: no mail would be taken now."""


#: 5xx answers that are about the session, whatever the mail: a command out of order (RFC 5321),
#: a log-in that is wanted or was wrong, an encryption that is wanted (RFC 4954, section 6).
_ABOUT_THE_SESSION = (503, 530, 534, 535, 538)


def as_mail_error(error: Exception) -> MailError:
    """The mail error for an error of smtplib or of the network."""
    if isinstance(error, smtplib.SMTPResponseException):
        for_good = 500 <= error.smtp_code < 600 and error.smtp_code not in _ABOUT_THE_SESSION
        return (MailRefused if for_good else MailDeferred)(
            f"the mail server said {answer_of(error)}"
        )
    return MailServerAway(f"the mail server did not answer: {answer_of(error)}")


def answer_of(error: Exception) -> str:
    """The server's code and words, or what went wrong."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        return f"{error.smtp_code} {words}"
    return str(error) or type(error).__name__
