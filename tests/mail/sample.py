"""A sample mail, and a mail server that accepts all mails."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller

from demo_app.mail.message import Mail, Mailbox
from demo_app.rig.ports import take


def a_mail(**changes: Any) -> Mail:
    fields = {
        "sender": Mailbox("The blog", "blog@blog.test"),
        "to": Mailbox("Akiko", "akiko@blog.test"),
        "subject": "Hello",
        "text": "Hello.\n",
        "html": "<p>Hello.</p>\n",
        "message_id": "<1@blog.test>",
    }
    return Mail(**{**fields, **changes})


class Received(list[bytes]):
    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.append(envelope.content)
        return "250 taken"


@contextmanager
def serving(host: str = "127.0.0.1", **options: Any) -> Iterator[tuple[str, Received]]:
    port, received = take(0, "a mail server"), Received()
    server = Controller(received, host, port, server_hostname="mail.test", **options)
    server.start()
    try:
        yield f"{host}:{port}", received
    finally:
        server.stop(no_assert=True)
