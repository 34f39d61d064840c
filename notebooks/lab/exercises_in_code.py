"""The tests of exercises in which a learner writes code. The tests run the code."""

import re
import shutil
import smtplib
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import chdir, closing, suppress
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from celery import Celery

from demo_app.broker.connection import connect
from demo_app.rig import ports
from demo_app.rig.process_group import ProcessGroup
from demo_app.rig.redis_server import RedisServer
from lab.kinds import Hint, exercise
from lab.language import translate
from lab.parcels import Parcels
from lab.program import Program, cell_of, unfinished
from lab.running import Lab

#: The end of a task in the log of a Celery worker, with the error of a failed task.
_ENDED = re.compile(r"succeeded|unexpected:\s(.+)")


@exercise("2.1")
def _queue(answer: tuple[Callable[[str], Any], Callable[[], Any]], lab: Lab) -> Hint:
    push, pop = answer
    lab.redis.delete("parcels")
    for job in "abc":
        push(job)
    if not (length := lab.redis.llen("parcels")):
        return ...
    if length != 3:
        return translate("after three calls of `push`, the list has {n}.", n=length)
    found = [pop() for _ in "abc"]
    if found == [None] * 3:
        return "`pop` gives nothing back. Is there a `return`?"
    if found == ["c", "b", "a"]:
        return "the last one in was the first one out. At which end does it go in?"
    if found != ["a", "b", "c"]:
        return translate("three jobs went in, and {found} came out.", found=found)
    if lab.redis.llen("parcels"):
        return "what was popped is still in the list."
    return None


@exercise("2.2")
def _newest_first(answer: Any, lab: Lab) -> Hint:
    early = "wait for the end of the jobs, and give the last four of `started()`."
    if not lab.finished():
        if lab.stack.ready["pids"]["worker"]:
            lab.wait()  # the next try needs an empty queue
        return early
    started = lab.started()[-4:]
    if not isinstance(answer, list) or answer != started:
        return early
    if not all(name.isdigit() for name in started):
        return "the last four jobs are not those of four comments."
    if started == sorted(started, key=int):
        return "they started in the order in which they came. Move the newest one first."
    newest = max(started, key=int)
    if started != [newest, *sorted(set(started) - {newest}, key=int)]:
        return "the newest one first, and the others in their order, please."
    return None


@exercise("3.3")
def _log(answer: Any, lab: Lab) -> Hint:
    if lab.redis.config_get("appendonly")["appendonly"] != "yes":
        return "`appendonly` is not on: ask Redis with `config_get`."
    if not lab.redis.lrange("mine", 0, -1):
        return "the list `mine` is empty."
    mine = lab.redis.lindex("mine", 0)
    if isinstance(answer, Path):
        return "give the text of the file, not its name."
    if not isinstance(answer, str) or mine not in answer:
        return "your text is not in what you read. Was it pushed after the log was on?"
    with ProcessGroup() as group:  # start Redis on a copy of the log, as after a power failure
        log = lab.stack.plan.folder.redis / "appendonlydir"
        shutil.copytree(log, group.folder / "appendonlydir")
        with RedisServer(group, group.folder) as server, connect(server.url) as another:
            left = another.lrange("mine", 0, -1)
    return None if mine in left else "another Redis that reads this log does not find it."


@exercise("4.2")
@exercise("10.1")
def _own_app(answer: tuple[Any, Any, Callable[[int], Any]], lab: Lab) -> Hint:
    app, pack, order = answer
    address = lab.stack.ready["redis"].partition("://")[2]
    if not (app.main or "").isidentifier():
        return "the app needs a name of one word: it is the first argument of `Celery`."
    if str(app.conf.broker_url).partition("://")[2] != address:
        return 'the app has another Redis: its broker is `os.environ["DEMO_REDIS_URL"]`.'
    if not hasattr(pack, "delay"):
        return "`pack` is not a task yet. Which line belongs above it?"
    mine = Parcels(lab, app)
    with chdir(mine.program.folder):
        order(1)
    if mine.lines():
        return "`order` did the work itself, and waited for it. It should enqueue a task."
    if not unfinished(lab.redis):
        return "`order` puts nothing into Redis. Which method of a task does?"
    mine.start_worker()
    lab.until(mine.lines, "a packed parcel")
    return None


@exercise("10.2")
def _claims(answer: tuple[Any, Any, Callable[[int], Any]], lab: Lab) -> Hint:
    if not str(answer[0].conf.broker_url).startswith(begin := "claims+unix://"):
        return translate("here the address begins with `{begin}`.", begin=begin)
    if not re.search(r"^(import|from) (demo_app\.broker|celery_claims)\b", cell_of("app = "), re.M):
        return "the import is missing: a worker of this cell does not know such an address."
    return _own_app(answer, lab)


@exercise("4.3")
def _late(answer: Any, lab: Lab) -> Hint:
    if not answer.acks_late:
        return ...
    mine, ordered = Parcels(lab, answer.app), 8
    mine.start_worker()
    for parcel in range(ordered):
        answer.delay(parcel)
    mine.kill_when_busy()
    mine.start_worker()
    found = mine.count(ordered)
    if found.lost:
        return translate(
            "{n} of {all} parcels were lost: in no list any more.", n=found.lost, all=ordered
        )
    return None


@exercise("5.1")
def _idempotent(answer: Any, lab: Lab) -> Hint:
    if not hasattr(answer, "delay"):
        return ...
    lab.redis.flushall()
    program = Program(lab, cell_of("app = "), answer.app.main)
    worker = program.worker()
    with Celery(answer.app.main, broker=answer.app.conf.broker_url) as app:
        for parcel in (1, 2, 3, 1, 2, 3):
            app.send_task(answer.name, [parcel])
    try:
        lab.until(lambda: len(_ENDED.findall(worker.output())) >= 6, "six tasks", 60.0)
    finally:
        worker.kill()  # a living worker would take the tasks of the next try
    if error := next(filter(None, _ENDED.findall(worker.output())), ""):
        return translate("the task raised {error}", error=error)
    with closing(sqlite3.connect(program.folder / "shop.db")) as db:
        rows = sorted(row[0] for row in db.execute("SELECT parcel FROM packed"))
    if len(rows) < 3:
        return translate("three parcels were to be packed, and the table has {n}.", n=len(rows))
    return None if rows == [1, 2, 3] else translate("the table has {rows}.", rows=rows)


@exercise("5.2")
def _outbox(answer: Callable[[sqlite3.Connection, str], Any]) -> Hint:
    with tempfile.TemporaryDirectory(prefix="demo-outbox-") as folder:
        path = Path(folder) / "blog.db"
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("CREATE TABLE comments (id INTEGER PRIMARY KEY, text)")
            db.execute("CREATE TABLE outbox (comment_id)")
        with closing(sqlite3.connect(path)) as db:
            answer(db, "good")
            if db.in_transaction:
                return "another process sees nothing yet: the transaction has not ended."
        comments, jobs = _stored(path)
        if not jobs:
            return "the comment is stored, and its job is not." if comments else ...
        if comments != jobs:
            return "the job in the outbox does not name the comment's id."
        with closing(sqlite3.connect(path)) as db, suppress(sqlite3.DatabaseError):
            fails = "BEGIN SELECT RAISE(FAIL, 'the disk is full'); END"
            db.execute(f"CREATE TRIGGER full BEFORE INSERT ON outbox {fails}")
            answer(db, "bad")  # the insert into the outbox fails, as if the process died here
        if len(_stored(path)[0]) == len(comments):
            return None
    return "the outbox failed, and the comment is there alone. Are they one transaction?"


def _stored(path: Path) -> tuple[list[int], list[int]]:
    """Return the ids in the tables comments and outbox, read over a new connection."""
    with closing(sqlite3.connect(path)) as db:
        comments = [row[0] for row in db.execute("SELECT id FROM comments")]
        return comments, [row[0] for row in db.execute("SELECT comment_id FROM outbox")]


@exercise("6.1")
def _handler(answer: Callable[[], Any]) -> Hint:
    handler = answer()
    if not iscoroutinefunction(handler.handle_DATA):
        return "aiosmtpd awaits handle_DATA: begin it with `async def`."
    port = ports.take(0, "SMTP")
    server = Controller(handler, "127.0.0.1", port, server_hostname="localhost")
    server.start()
    try:
        codes = [_send(port) for _ in range(4)]
    finally:
        server.stop(no_assert=True)
        ports.release(port)
    if codes == [250] * 4 and not handler.mails:
        return ...
    if codes != [451, 451, 250, 250]:
        return translate("it answered {codes} to four mails.", codes=codes)
    if handler.mails != 2:
        return translate("it accepted two mails, and `mails` is {n}.", n=handler.mails)
    return None


def _send(port: int) -> int:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        try:
            client.sendmail("reader@example.test", ["author@example.test"], "Subject: hello\n\n.")
        except smtplib.SMTPResponseException as refused:
            return refused.smtp_code
    return 250
