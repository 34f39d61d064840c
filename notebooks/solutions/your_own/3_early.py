"""Rung 3, Celery with its defaults: the job is in Redis, and forgotten there when it begins."""

import os
import smtplib
import sqlite3
from email import message_from_bytes
from email.message import EmailMessage

from celery import Celery
from fastapi import FastAPI, Form

web = FastAPI()
celery = Celery("my_app", broker=os.environ["BROKER"])


def database():
    db = sqlite3.connect("app.db", timeout=10)
    db.execute("CREATE TABLE IF NOT EXISTS comments (id INTEGER PRIMARY KEY, text TEXT)")
    return db


@web.get("/comments")
def page():
    return [text for (text,) in database().execute("SELECT text FROM comments")]


@web.post("/comments")
def comment(text: str = Form()):
    with database() as db:
        number = db.execute("INSERT INTO comments (text) VALUES (?)", (text,)).lastrowid
    notify.delay(number)
    return {"thank you": number}


@celery.task
def notify(number):
    ((text,),) = database().execute("SELECT text FROM comments WHERE id = ?", (number,))
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "blog@example.test", "author@example.test", text
    with smtplib.SMTP("127.0.0.1", int(os.environ["SMTP_PORT"]), timeout=10) as server:
        server.send_message(mail)


class Inbox:
    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content)
        with open("inbox.txt", "a") as inbox:
            inbox.write(f"{mail['Subject']}\n")
        return "250 accepted"
