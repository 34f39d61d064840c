"""Open a connection to the mail server that the settings name."""

from __future__ import annotations

import encodings.idna  # noqa: F401 - else the first connection imports it while its mail waits
import smtplib
from urllib.parse import unquote, urlsplit

from demo_app.settings import Settings


def connect(chosen: Settings) -> smtplib.SMTP:
    """A connection on which a mail can begin.

    Raises OSError, or smtplib.SMTPResponseException when the server lets nobody in.
    """
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
