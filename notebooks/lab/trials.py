"""What is done to an app that a learner wrote, and what became of its mails."""

from __future__ import annotations

import re
import smtplib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from demo_app.demo.timeline import Kill
from demo_app.looks import looks
from lab.language import say
from lab.ledger import Ledger
from lab.own_app import OwnApp
from lab.program import PATIENCE, held

#: Seconds by which each line between the worker and the mail server is late: a mail needs some ten.
_SLOW = 0.08
#: Seconds in which a worker that acknowledges a job before it runs has done so, and a relay has
#: tried to hand over what is in the outbox.
_SOON = 5.0
_COMMENTS = 4
#: Kills of the web app, each after one more commit.
_KILLS = 3


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of some comments. held: None when the app has no such part.

    late: how many jobs a list in Redis still has that are to send a mail, or to send it again.
    """

    name: str
    held: bool | None
    ledger: Ledger
    late: int = 0
    twice: int = 0

    def row(self) -> tuple[object, ...]:
        """Its line of the table."""
        mark = {True: say("✓ holds"), False: say("✗ fails"), None: "–"}[self.held]
        missing, late = self.ledger.missing, self.late
        return say(self.name), mark, self.ledger.comments, max(0, missing - late), late, self.twice


def trials(app: OwnApp) -> Iterator[Trial]:
    """Each in its turn, on the same running app, as the rungs need them."""
    app.cable.delay = _SLOW
    yield _waits(app)
    yield _worker_killed(app)
    yield _breaks_off(app)
    yield _redis_down(app)
    yield _web_killed(app)
    yield _relay_killed(app)
    yield _answer_lost(app)


def _waits(app: OwnApp) -> Trial:
    """Is the reader answered before the mail has arrived?"""
    began = time.time()
    app.post("waits 0")
    sooner = not app.program.lines("inbox.txt")
    found = app.settle("waits", began, ())
    return Trial("the reader does not wait", sooner, *found)


def _worker_killed(app: OwnApp) -> Trial:
    name, began = "the worker is killed", time.time()
    app.post(*_texts("worker", _COMMENTS))
    if "worker" not in app.running:
        return Trial(name, None, *app.settle("worker", began, ()))
    app.lab.until(
        lambda: app.all_run() and app.arrived("worker"), "the first mail", PATIENCE, silent=True
    )
    _hold_a_mail(app)
    kill = app.kill("worker")
    app.cable.reset()  # what the dead had on its way does not arrive
    app.cable.plug_in()
    app.again("worker")
    return _judged(app, name, "worker", began, kill)


def _hold_a_mail(app: OwnApp) -> None:
    """Stop what is on its way to the inbox, so that the worker is in the middle of its jobs;
    wait until it has acknowledged one of them, if it does so early."""
    app.cable.unplug()
    early = 0
    with smtplib.SMTP("127.0.0.1", app.inbox, timeout=PATIENCE) as inbox:
        for _ in looks(_SOON):
            inbox.noop()  # what had reached it before has been answered, and is in its file
            known = held(app.lab.redis) - app.held_before + app.arrived("worker").total()
            early = early + 1 if known < _COMMENTS else 0
            if early == 3:  # one may be read while another is written
                break


def _breaks_off(app: OwnApp) -> Trial:
    """The mail server ends the connection on which a mail should come. Two readers have said
    the same: each of them has a mail."""
    began = time.time()
    app.cable.lose_answer()
    app.post("breaks 0", "breaks 0")
    return _judged(app, "the mail server breaks off", "breaks", began)


def _redis_down(app: OwnApp) -> Trial:
    name, began = "Redis is down", time.time()
    app.lab.stack.kill("redis", restart=False)
    app.post(*_texts("redis", _COMMENTS))
    app.lab.start("redis")
    if "worker" not in app.running:
        return Trial(name, None, *app.settle("redis", began, ()))
    return _judged(app, name, "redis", began, Kill(began, 0, "redis"))


def _web_killed(app: OwnApp) -> Trial:
    """The web app is killed right after its first commit of a comment, its second, its third; or,
    if it has committed less often, after its answer."""
    began, kills = time.time(), []
    for nth, text in enumerate(_texts("web", _KILLS), 1):
        with app.dying_at_commit("web", nth):
            app.post(text)
            kills.append(app.kill("web"))
        app.again("web")
        app.until_web()
    return _judged(app, "the web app is killed", "web", began, *kills)


def _relay_killed(app: OwnApp) -> Trial:
    """While Redis is down the relay has a job that it can't hand over. It is killed right after it
    has committed something; if it does not commit, a few seconds later."""
    name, began = "the relay is killed", time.time()
    if "relay" not in app.running:
        return Trial(name, None, Ledger((), ()))
    app.lab.stack.kill("redis", restart=False)
    with app.dying_at_commit("relay"):
        app.post("relay 0")
        for _ in looks(_SOON):
            if not app.running["relay"].alive:
                break
        kill = app.kill("relay")
    app.lab.start("redis")
    app.again("relay")
    return _judged(app, name, "relay", began, kill)


def _answer_lost(app: OwnApp) -> Trial:
    began = time.time()
    app.cable.lose_answer_like(re.compile(rb"accepted"))
    app.post(*_texts("answer", 2))
    return _judged(app, "the mail server's answer is lost", "answer", began)


def _judged(app: OwnApp, name: str, mark: str, began: float, *kills: Kill) -> Trial:
    ledger, late, twice = app.settle(mark, began, kills)
    shown_once = twice == 0 or bool(kills)
    return Trial(name, not ledger.missing + late and shown_once, ledger, late, twice)


def _texts(mark: str, comments: int) -> list[str]:
    return [f"{mark} {number}" for number in range(comments)]
