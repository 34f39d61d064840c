"""Open a connection to the mail server that the settings name."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - else the first connection imports it while its mail waits
import smtplib
import ssl
from urllib.parse import unquote, urlsplit

from demo_app.settings import Settings


def connect(chosen: Settings) -> smtplib.SMTP:
    """A connection on which a mail can begin.

    Raises OSError, as when the server's certificate is not to be trusted, or
    smtplib.SMTPResponseException when the server lets nobody in.
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
