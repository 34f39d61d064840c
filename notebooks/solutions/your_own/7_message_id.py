"""Rung 7, one Message-ID: what is sent twice is shown once."""

import os
import smtplib
import sqlite3
import time
from email import message_from_bytes
from email.message import EmailMessage

import celery_claims
from celery import Celery
from fastapi import FastAPI, Form

web = FastAPI()
address = os.environ["BROKER"].replace("redis+socket:", "claims+unix:")
celery = Celery("my_app", broker=address)


def database():
    db = sqlite3.connect("app.db", timeout=10)
    db.execute("CREATE TABLE IF NOT EXISTS comments (id INTEGER PRIMARY KEY, text TEXT)")
    db.execute("CREATE TABLE IF NOT EXISTS outbox (comment_id INTEGER)")
    return db


@web.get("/comments")
def page():
    return [text for (text,) in database().execute("SELECT text FROM comments")]


@web.post("/comments")
def comment(text: str = Form()):
    with database() as db:
        number = db.execute("INSERT INTO comments (text) VALUES (?)", (text,)).lastrowid
        db.execute("INSERT INTO outbox VALUES (?)", (number,))
    return {"thank you": number}


@celery.task(acks_late=True, autoretry_for=(OSError, smtplib.SMTPException), default_retry_delay=1)
def notify(number):
    ((text,),) = database().execute("SELECT text FROM comments WHERE id = ?", (number,))
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "blog@example.test", "author@example.test", text
    mail["Message-ID"] = f"<comment-{number}@example.test>"
    with smtplib.SMTP("127.0.0.1", int(os.environ["SMTP_PORT"]), timeout=10) as server:
        server.send_message(mail)


def relay():
    with database() as db:
        for (number,) in db.execute("SELECT comment_id FROM outbox").fetchall():
            notify.delay(number)
            db.execute("DELETE FROM outbox WHERE comment_id = ?", (number,))


class Inbox:
    known = set()

    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content)
        if mail["Message-ID"] not in self.known:
            self.known.add(mail["Message-ID"])
            with open("inbox.txt", "a") as inbox:
                inbox.write(f"{mail['Subject']}\n")
        return "250 accepted"


if __name__ == "__main__":
    while True:
        try:
            relay()
        except Exception as error:
            print("Redis is away, so it stays in the outbox:", error)
        time.sleep(0.2)
