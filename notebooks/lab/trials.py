"""The trials of an app that a learner wrote."""

import math
import re
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread

from demo_app.demo.timeline import Kill
from demo_app.failpoints import Step, disable, enable
from demo_app.rig.polling import poll, until
from lab.extra_process import PATIENCE
from lab.language import translate
from lab.ledger import Ledger
from lab.own_app import OwnApp
from lab.program import unfinished
from lab.progress import Progress

#: Delay of each line between the worker and the mail server (seconds); a mail needs about 10 lines.
_SLOW = 0.08
#: Longest wait (seconds) for an early acknowledgement, for the mails of a relay's jobs, and for the
#: relay's next commit.
_SOON = 5.0
_COMMENTS = 4
#: Kills of the web app: right after the first, the second and the third commit of a comment.
_KILLS = 3
#: Limit of the tries of a trial, which is repeated if no comment was stored.
_TRIES = 3
#: After this many executions of the same SQL statement, the relay has tried a few times.
_EXECUTIONS = 4
#: Longest waits (seconds): for a relay's next steps, and for the reply to a comment while the relay
#: is suspended.
_ROUNDS, _COMMENT = 15.0, 2.0


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of one trial.

    Attributes:
        held: True if the app passed, None if the app lacks the killed part.
        ledger: a mail is late if a list in Redis or the app's outbox still has its job.
        twice: the number of mails that are shown twice.
        story: the events, in sentences.
    """

    name: str
    held: bool | None
    ledger: Ledger
    twice: int = 0
    story: str = ""

    def row(self) -> tuple[object, ...]:
        mark = {True: translate("✓ holds"), False: translate("✗ fails"), None: "–"}[self.held]
        ledger = self.ledger
        return translate(self.name), mark, ledger.comments, ledger.lost, ledger.late, self.twice


def trials(app: OwnApp) -> Iterator[Trial]:
    """Run the trials one by one on the same running app, in the order of the rungs.

    A trial in which no comment was stored is repeated up to twice, and then fails.
    """
    app.proxy.delay = _SLOW
    found = (
        _mail_server_slow, _worker_killed, _connection_broken, _redis_down, _web_killed,
        _relay_killed, _answer_lost,
    )  # fmt: skip
    for number, trial in enumerate(found, 1):
        with Progress(translate("trial {n} of {all}", n=number, all=len(found))):
            for _ in range(_TRIES):
                app.ended.clear()
                result = trial(app)
                if result.held is None or result.ledger.comments:
                    break
        yield result


def _mail_server_slow(app: OwnApp) -> Trial:
    """Test whether the reader gets the reply before the mail has arrived."""
    app.post("waits 0")
    early = not app.program.lines("inbox.txt")
    return _judged(app, "the reader does not wait", "waits", waited=not early)


def _worker_killed(app: OwnApp) -> Trial:
    """Let one mail arrive, and kill the worker while it sends the next mail."""
    name, texts = "the worker is killed", _texts("worker", _COMMENTS)
    if "worker" not in app.running:
        app.post(*texts)
        return Trial(name, None, *app.settle("worker"))
    app.let_pass = 1
    app.post(*texts)

    def in_the_middle() -> bool:
        began = sum(len(app.sent[text]) for text in texts)
        return bool((app.all_run() and began > 1 and app.arrived("worker")) or app.forged)

    until(in_the_middle, PATIENCE)
    early = 0
    for _ in poll(_SOON):  # wait for an early acknowledgement
        known = unfinished(app.lab.redis) - app.unfinished_before + app.arrived("worker").total()
        early = early + 1 if known < _COMMENTS else 0
        if early == 3:  # three times in a row, since the two counts are not read at the same time
            break
    kill = app.kill("worker")
    app.proxy.reset()  # data in transit from the dead worker must not arrive
    app.let_pass = math.inf
    app.restart("worker")
    return _judged(app, name, "worker", kill)


def _connection_broken(app: OwnApp) -> Trial:
    """Break the connection over which a mail is sent.

    Two comments have the same text, and each must get its own mail.
    """
    app.proxy.lose_answer()
    app.post("breaks 0", "breaks 0")
    return _judged(app, "the mail server breaks off", "breaks")


def _redis_down(app: OwnApp) -> Trial:
    name = "Redis is down"
    first, *others = _texts("redis", _COMMENTS)
    with _without_redis(app):
        app.post(first)
        if "relay" in app.running:
            _let_the_relay_try(app)
        app.post(*others)
    if "worker" not in app.running:
        return Trial(name, None, *app.settle("redis"))
    return _judged(app, name, "redis", Kill(app.posted[first][-1], 0, "redis"))


@contextmanager
def _without_redis(app: OwnApp) -> Iterator[None]:
    """Kill Redis, and restart it after the block, also if the block was interrupted."""
    try:
        app.lab.stack.kill("redis", restart=False)
        yield
    finally:
        app.lab.start("redis")


def _let_the_relay_try(app: OwnApp) -> None:
    """Wait until the relay has ended, or has tried to enqueue its jobs a few times.

    A relay repeats its SQL statements in each try, so the executions of one statement count the
    tries. Give up after `_ROUNDS` seconds.
    """
    (statements := app.steps("relay") / "statements").parent.mkdir(exist_ok=True)
    statements.touch()

    def tried() -> bool:
        times = Counter(statements.read_text("utf-8").splitlines()).values()
        return max(times, default=0) >= _EXECUTIONS or not app.running["relay"].alive

    until(tried, _ROUNDS)
    statements.unlink()


def _web_killed(app: OwnApp) -> Trial:
    """Kill the web app right after its first, second and third commit of a comment.

    If the app stores a comment with fewer commits, kill the app after its reply.
    """
    kills = []
    for nth, text in enumerate(_texts("web", _KILLS), 1):
        with app.dying_at_commit("web", nth):
            app.post(text)
            kills.append(app.kill("web"))
        app.restart("web")
        app.until_answers("web")
    return _judged(app, "the web app is killed", "web", *kills)


def _relay_killed(app: OwnApp) -> Trial:
    """Suspend the relay before it writes to the database, and later kill it after a commit.

    The relay is suspended when it is about to record a comment as enqueued. Another comment is
    posted before the relay is resumed. Later, while Redis is down, a third comment is posted, and
    the relay is killed right after its next commit, or after `_SOON` seconds without one.
    """
    name = "the relay is killed"
    if "relay" not in app.running:
        return Trial(name, None, Ledger(()))
    relay, steps = app.running["relay"], app.steps("relay")
    armed = enable(steps, Step.OUTBOX_HANDED_OVER, signal.SIGSTOP)
    app.post("relay 0")
    until(lambda: not (armed.exists() and relay.alive), _ROUNDS)
    disable(steps, Step.OUTBOX_HANDED_OVER)
    (reader := Thread(target=app.post, args=["relay 1"])).start()
    reader.join(_COMMENT)  # the web app may wait for the relay's transaction
    relay.send(signal.SIGCONT)
    reader.join()
    until(lambda: app.arrived("relay").total() >= len(app.page("relay")), _SOON)
    app.all_run(restart=True)
    with _without_redis(app), app.dying_at_commit("relay"):
        app.post("relay 2")
        until(lambda: not app.running["relay"].alive, _SOON)
        kill = app.kill("relay")
    app.restart("relay")
    return _judged(app, name, "relay", kill)


def _answer_lost(app: OwnApp) -> Trial:
    app.proxy.lose_answer_like(re.compile(rb"accepted"))
    app.post(*_texts("answer", 2))
    return _judged(app, "the mail server's answer is lost", "answer")


def _judged(app: OwnApp, name: str, mark: str, *kills: Kill, waited: bool | None = None) -> Trial:
    """Wait for the mails, and judge the trial.

    Args:
        mark: the first word of the trial's comments.
        waited: True if the reader waited for the mail; None if the trial does not test this.
    """
    ledger, twice = app.settle(mark, kills)
    ended = app.ended - {"worker"}  # stock Celery's worker may end when Redis ends
    held = bool(ledger.comments) and not (ended or app.forged_in(mark))
    if waited is None:
        held = held and not ledger.missing + ledger.late and (twice == 0 or bool(kills))
    else:
        held = held and not waited
    story = _story(app, mark, ledger, twice)
    if waited:
        story.append(translate("The mail came first, and then the reader's answer."))
    return Trial(name, held, ledger, twice, " ".join(story))


def _story(app: OwnApp, mark: str, ledger: Ledger, twice: int) -> list[str]:
    """Return the trial's events as sentences, with times in seconds since the first comment."""
    posted = {text: times for text, times in app.posted.items() if text.startswith(f"{mark} ")}
    start = min(times[0] for times in posted.values())
    template = "Comments posted: {n}, stored: {stored}."
    story = [translate(template, n=sum(map(len, posted.values())), stored=ledger.comments)]
    for kill in ledger.kills:
        story.append(
            translate("After {s:.1f} s: {role} killed.", s=kill.at - start, role=kill.worker)
        )
    story += [translate("The {role} ended by itself.", role=role) for role in sorted(app.ended)]
    for text in app.forged_in(mark)[:1]:
        story.append(translate("inbox.txt had “{text}” before such a mail was sent.", text=text))
    page = app.page(mark)
    for text in posted:
        if page.count(text) > len(app.came[text]):
            sent = app.sent[text]
            where = "in a mail on its way to the inbox, after {s:.1f} s" if sent else "on the page"
            if not (sent or ledger.late):
                where = "on the page; neither Redis nor an outbox has its job"
            if ledger.late >= ledger.missing:
                where = "in Redis or in your outbox, where it waits"
            seen = translate(where, s=(sent or posted[text])[-1] - start)
            template = "“{text}” (posted after {s:.1f} s) has no mail: last seen {where}."
            story.append(translate(template, text=text, s=posted[text][-1] - start, where=seen))
    if 0 < ledger.late != ledger.missing:
        template = "Of these, {n} still wait in Redis or in your outbox."
        story.append(translate(template, n=ledger.late))
    if twice:
        story.append(translate("Mails shown twice: {n}.", n=twice))
    return story + _causes(app, mark, page)


def _causes(app: OwnApp, mark: str, page: list[str]) -> list[str]:
    """Return the mistakes that inbox.txt and the Message-IDs show, as sentences."""
    found, arrived = [], app.arrived(mark)
    for text in [text for text in page if len(app.came[text]) > arrived[text]][:1]:
        template = 'The line “{text}” of inbox.txt disappeared. Open the file with "a".'
        found.append(translate(template, text=text))
    for line in app.program.lines("inbox.txt"):
        if line not in app.posted:
            template = "inbox.txt has the line “{line}”: is a line break missing?"
            found.append(translate(template, line=line[:80]))
            break
    for name, texts in app.by_message_id.items():
        one, *others = sorted(text for text in texts if text in page) or [""]
        if name and others:
            template = "The mails of “{one}” and “{other}” have the same Message-ID, {name}."
            found.append(translate(template, one=one, other=others[0], name=name))
    for text in (text for text in page if page.count(text) == 1 < arrived[text]):
        if sum(text in texts for texts in app.by_message_id.values()) > 1:
            template = "The mails of “{text}” have different Message-IDs."
            found.append(translate(template, text=text))
    return found


def _texts(mark: str, comments: int) -> list[str]:
    return [f"{mark} {number}" for number in range(comments)]
