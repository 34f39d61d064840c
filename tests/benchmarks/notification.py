"""The work that every queue is measured with: build one proper mail, and deliver it over SMTP."""

from __future__ import annotations

import uuid
from typing import Any

from demo_app.jobs import task
from demo_app.mail.delivery import deliver
from demo_app.mail.message import Mail, Mailbox

SENDER = Mailbox("The blog", "blog@blog.test")


def send(mail_id: str, address: str, subject: str, body: str) -> None:
    """Build the mail and deliver it; the same code for every queue."""
    deliver(
        Mail(
            sender=SENDER,
            to=Mailbox("", address),
            subject=subject,
            text=body,
            html=f"<p>{body}</p>",
            message_id=f"<{mail_id}@bench.test>",
        )
    )


@task(queue_name="mail")
def notify(mail_id: str, address: str, subject: str, body: str) -> None:
    """The work as a task of ours."""
    send(mail_id, address, subject, body)


def payloads(count: int) -> list[dict[str, Any]]:
    """So many payloads, each with a body of 1,000 characters."""
    return [
        {
            "mail_id": uuid.uuid4().hex,
            "address": f"reader{number}@example.test",
            "subject": f"Comment number {number}",
            "body": ("All work and no play makes a queue. " * 28)[:1000],
        }
        for number in range(count)
    ]
