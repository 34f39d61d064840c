"""The job that every queue runs: build one complete mail, and deliver it over SMTP."""

import os
import smtplib
import time
import uuid
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from demo_app.mail.delivery import deliver
from demo_app.mail.message import Mail, Mailbox
from demo_app.settings import settings

SENDER = Mailbox("The blog", "blog@blog.test")


def send(mail_id: str, address: str, subject: str, body: str) -> None:
    """Build the mail and deliver it. The code is the same for every queue.

    Environment variables: with BENCH_SENDER=plain, `smtplib` sends the mail, as in its manual;
    BENCH_SECONDS is a delay before the delivery, as with a slow mail server.
    """
    time.sleep(float(os.environ.get("BENCH_SECONDS", "0")))
    html = f"<p>{body}</p>"
    if os.environ.get("BENCH_SENDER") == "plain":
        _send_plain(mail_id, address, subject, body, html)
        return
    to, message_id = Mailbox("", address), f"<{mail_id}@bench.test>"
    mail = Mail(SENDER, to, subject=subject, text=body, html=html, message_id=message_id)
    deliver(mail)


def _send_plain(mail_id: str, address: str, subject: str, body: str, html: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = SENDER.address, address, subject
    mail["Message-ID"] = f"<{mail_id}@bench.test>"
    mail.set_content(body)
    mail.add_alternative(html, subtype="html")
    server = urlsplit(settings().smtp_url)
    with smtplib.SMTP(server.hostname or "", server.port or 25) as connection:
        connection.send_message(mail)


def payloads(count: int) -> list[dict[str, Any]]:
    return [
        {
            "mail_id": uuid.uuid4().hex,
            "address": f"reader{number}@example.test",
            "subject": f"Comment number {number}",
            "body": ("All work and no play makes a queue. " * 28)[:1000],
        }
        for number in range(count)
    ]
