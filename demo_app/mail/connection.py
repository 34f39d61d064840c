"""A connection to the mail server of the settings, and the exceptions for its error replies."""

import encodings.idna  # noqa: F401 - otherwise the first connection would import it
import smtplib
import ssl
from collections.abc import Callable
from functools import partial
from urllib.parse import unquote, urlsplit

from demo_app.settings import Settings


def connect(chosen: Settings) -> smtplib.SMTP:
    """Return a connection on which a mail can be sent.

    Raises:
        OSError: the server does not answer, or its certificate is not trusted.
        smtplib.SMTPResponseException: the server refuses the client.
        UnicodeError: the host's name or the password can't be encoded.
    """
    parts, (host, port) = urlsplit(chosen.smtp_url), chosen.smtp_address
    kind: Callable[..., smtplib.SMTP] = smtplib.SMTP
    if parts.scheme == "smtps":  # TLS from the first byte (RFC 8314)
        kind = partial(smtplib.SMTP_SSL, context=_trusting(chosen))
    smtp = kind(host, port, "blog.test", timeout=chosen.smtp_seconds)
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


def _trusting(chosen: Settings) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=chosen.smtp_ca_file)


class MailError(Exception):
    """The mail was not accepted. The message contains the server's reply, if there is one."""


class MailRefused(MailError):
    """A permanent error: a 5xx reply about this mail (RFC 5321, section 4.2.1)."""


class MailDeferred(MailError):
    """A temporary error: a 4xx reply, or an error that is not about this mail."""


class MailServerAway(MailDeferred):
    """The server does not answer, or refuses every client: no mail can be sent now."""


#: 5xx replies about the session, not the mail: a command out of order (RFC 5321), missing or wrong
#: authentication, required encryption (RFC 4954, section 6).
_ABOUT_THE_SESSION = (503, 530, 534, 535, 538)


def as_mail_error(error: Exception) -> MailError:
    if isinstance(error, smtplib.SMTPResponseException):
        for_good = 500 <= error.smtp_code < 600 and error.smtp_code not in _ABOUT_THE_SESSION
        kind = MailRefused if for_good else MailDeferred
        return kind(f"the mail server replied {answer_of(error)}")
    # UnicodeError: the host's name or the password can't be encoded
    unsuitable = isinstance(error, ssl.SSLError | smtplib.SMTPNotSupportedError | UnicodeError)
    problem = "can't be used" if unsuitable else "did not answer"
    return MailServerAway(f"the mail server {problem}: {answer_of(error)}")


def answer_of(error: Exception) -> str:
    """Return the server's reply, or the error as text."""
    if isinstance(error, smtplib.SMTPResponseException):
        text = error.smtp_error
        words = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        return f"{error.smtp_code} {words}"
    return str(error) or type(error).__name__
