"""A SIGKILL at any moment loses no mail that was answered with 250, and keeps no half of one."""

import os
import random
import smtplib
import sqlite3
import threading
import time
from pathlib import Path

from support import until

KILLS = 5
CLIENTS = 10


class Sender(threading.Thread):
    """Sends mails one after another, each again and again until it is answered with 250."""

    def __init__(self, name: str, port: int, stop: threading.Event) -> None:
        super().__init__(name=name)
        self.acknowledged: list[str] = []
        self._port = port
        self._stop_asked = stop

    def run(self) -> None:
        number = 0
        while not self._stop_asked.is_set():
            try:
                with smtplib.SMTP("127.0.0.1", self._port, timeout=10) as client:
                    while not self._stop_asked.is_set():
                        identity = f"{self.name}.{number}@example.test"
                        client.sendmail("a@example.test", ["b@example.test"], mail(identity))
                        self.acknowledged.append(identity)
                        number += 1
            except (OSError, smtplib.SMTPException):
                self._stop_asked.wait(0.3)  # it was killed, and is being started again


def mail(identity: str) -> bytes:
    body = f"{identity} " * random.Random(identity).randrange(1, 400)
    return f"Message-ID: <{identity}>\r\n\r\n{body}\r\n".encode()


def test_kills_at_random_moments_lose_nothing(start_sink, tmp_path: Path):
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")  # shown when it fails
    moments = random.Random(seed)
    stop = threading.Event()
    sink = start_sink("--dir", str(tmp_path))
    port = int(sink.smtp.rpartition(":")[2])
    senders = [Sender(f"sender-{number}", port, stop) for number in range(CLIENTS)]
    for sender in senders:
        sender.start()
    for _ in range(KILLS):
        count = sum(len(sender.acknowledged) for sender in senders)
        until(lambda: sum(len(one.acknowledged) for one in senders) > count)  # noqa: B023
        # it is at work again; then at a random moment of that
        time.sleep(moments.uniform(0, 0.25))
        sink.kill()
        sink = start_sink(*sink.options())
    stop.set()
    for sender in senders:
        sender.join()

    acknowledged = [identity for sender in senders for identity in sender.acknowledged]
    stats = sink.get("/api/stats")
    with sqlite3.connect(tmp_path / "mail.sqlite3") as database:
        stored = dict(
            database.execute("SELECT message_id, raw FROM messages JOIN contents ON message = id")
        )
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert len(acknowledged) > KILLS
    assert [identity for identity in acknowledged if f"<{identity}>" not in stored] == []
    assert all(raw == mail(identity.strip("<>")) for identity, raw in stored.items())
    assert stats["distinct"] == len(stored)
    assert stats["accepted"] == stats["distinct"] + stats["duplicates"]
