"""Tests that after a SIGKILL every mail accepted with 250 is still stored, and no partial mail."""

import os
import random
import smtplib
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from support import until

KILLS = 5
CLIENTS = 10


def keep_sending(name: str, port: int, acknowledged: list[str], stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        try:
            with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
                while not stop.is_set():
                    identity = f"{name}.{number}@example.test"
                    client.sendmail("a@example.test", ["b@example.test"], mail(identity))
                    acknowledged.append(identity)
                    number += 1
        except (OSError, smtplib.SMTPException):
            stop.wait(0.3)  # the sink is restarting


def mail(identity: str) -> bytes:
    body = f"{identity} " * random.Random(identity).randrange(1, 400)
    return f"Message-ID: <{identity}>\r\n\r\n{body}\r\n".encode()


def test_kills_at_random_moments_lose_nothing(start_sink, tmp_path: Path):
    seed = int.from_bytes(os.urandom(4))
    print(f"seed {seed}")  # pytest shows it if the test fails
    moments = random.Random(seed)
    sink = start_sink("--dir", str(tmp_path))
    port = int(sink.smtp.rpartition(":")[2])
    acknowledged: list[str] = []
    with ThreadPoolExecutor(CLIENTS) as pool, ExitStack() as end:
        stop = threading.Event()
        end.callback(stop.set)
        for number in range(CLIENTS):
            pool.submit(keep_sending, f"sender-{number}", port, acknowledged, stop)
        for _ in range(KILLS):
            count = len(acknowledged)
            until(lambda: len(acknowledged) > count)  # noqa: B023
            # the new sink has accepted a mail: kill it after a random time
            time.sleep(moments.uniform(0, 0.25))
            sink.kill()
            sink = start_sink(*sink.options())

    stats = sink.get("/api/stats")
    with sqlite3.connect(tmp_path / "mail.sqlite3") as database:
        mails = "SELECT message_id, raw FROM messages JOIN contents ON message = id"
        stored = dict(database.execute(mails))
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    assert len(acknowledged) > KILLS
    assert [identity for identity in acknowledged if f"<{identity}>" not in stored] == []
    assert all(raw == mail(identity.strip("<>")) for identity, raw in stored.items())
    assert stats["distinct"] == len(stored)
    assert stats["accepted"] == stats["distinct"] + stats["duplicates"]
