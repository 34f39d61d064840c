"""A learner's own app: its parts run as processes, which the trials kill.

`my_app.py` defines `web` (an ASGI app: POST /comments with the form's field `text`, GET /comments)
and the class `Inbox` (a handler of aiosmtpd, which replies "250 accepted"). To show a mail, `Inbox`
appends its subject to `inbox.txt`; the subject is the comment's text. Later versions also have a
Celery app `celery`, and `relay`, which runs in the file's main block. The app gets the environment
variables `BROKER` and `SMTP_PORT`.
"""

import asyncio
import math
import re
import socket
import sqlite3
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from email import message_from_bytes, policy
from pathlib import Path
from subprocess import TimeoutExpired, run
from typing import Any

import httpx

from demo_app.demo.timeline import Kill
from demo_app.failpoints import Step, disable, enable
from demo_app.rig import ports
from demo_app.rig.ledger import LedgerLine
from demo_app.rig.polling import Stillness, poll, until
from demo_app.rig.proxy import Connection, Proxy
from demo_app.rig.uninterruptible import uninterruptible
from lab.extra_process import PATIENCE, ExtraProcess, line_number
from lab.language import translate
from lab.ledger import Ledger
from lab.program import Program, unfinished
from lab.running import Lab
from lab.show import LabError

#: `settle` stops waiting after this many seconds without a new mail. It is more than a lease, and
#: less than the hour after which stock Celery redelivers a job.
_STILL = 10.0
#: Longest wait of `settle` (seconds): an app may send mails for ever.
_LONGEST = 180.0
#: Longest import of the app (seconds).
_IMPORT = 45.0
#: The folder of `sitecustomize.py`, which Python imports at its start; see that file's docstring.
_AFTER_COMMIT = Path(__file__).with_name("after_commit")
_PARTS = ("web", "celery", "relay", "Inbox")
#: The parts whose restart makes `settle` wait anew. The relay is not included: it may end at once.
_AWAITED = ("inbox", "web", "worker")
#: The header fields of a mail in an SMTP dialogue.
_HEADER = re.compile(rb"^DATA\r\n(.*?\r\n)\.?\r\n", re.MULTILINE | re.IGNORECASE | re.DOTALL)
#: Ignore the environment's proxy settings, since a proxy cannot reach this machine's ports.
_DIRECT: dict[str, Any] = {"trust_env": False, "timeout": 60.0}
#: The first bytes of a file that SQLite has written.
_SQLITE = b"SQLite format 3\0"
_OUTBOXES = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%outbox%'"
_LOOK = f"import my_app; print(*(name for name in {_PARTS} if hasattr(my_app, name)))"


class OwnApp:
    """A learner's app, whose parts run as processes.

    Attributes:
        inbox: the port of the app's inbox.
        proxy: the proxy in front of the inbox.

    Raises:
        LabError: the app can't be imported, lacks `web` or `Inbox`, or does not answer.
    """

    def __init__(self, lab: Lab, text: str) -> None:
        self.lab, self.program = lab, Program(lab, text, "my_app")
        self.inbox, self._web = ports.take(0, "SMTP"), ports.take(0, "web")
        self.unfinished_before = 0
        #: By a comment's text: the times of its posts, of its mails to the inbox, and of the
        #: appearance of these mails in the inbox (epoch seconds).
        self.posted: dict[str, list[float]] = defaultdict(list)
        self.sent: dict[str, list[float]] = defaultdict(list)
        self.came: dict[str, list[float]] = defaultdict(list)
        #: The comments' texts by the Message-ID of their mails ("" for none).
        self.by_message_id: dict[str, set[str]] = defaultdict(set)
        #: _accepted: the accepted comments. forged: comments that were in inbox.txt before their
        #: mail was sent.
        self._accepted, self.forged = Counter[str](), set[str]()
        self._dialogues: dict[Connection, bytes] = defaultdict(bytes)
        self.let_pass = math.inf  # number of mails that may still reach the inbox; later mails wait
        self.ended: set[str] = set()  # the parts that ended without a kill in this trial
        self._ended = threading.Event()
        self._url = f"http://127.0.0.1:{self._web}"
        self._modules = {
            "inbox": ("aiosmtpd", "-n", "-l", f"127.0.0.1:{self.inbox}", "-c", "my_app.Inbox"),
            "web": ("uvicorn", "my_app:web", "--port", str(self._web), "--no-access-log"),
            "relay": ("my_app",),
        }
        self.running: dict[str, ExtraProcess] = {}
        self._reported: set[str] = set()
        self.proxy = proxy = Proxy(self.inbox, watch=self._overhear)
        lab.at_end.callback(self.close)
        self._environment = {"BROKER": str(lab.stack.ready["redis"]), "SMTP_PORT": str(proxy.port)}
        try:
            parts = self._defined_parts()
            threading.Thread(target=self._watch, daemon=True).start()
            optional = {"celery": "worker", "relay": "relay"}
            for role in ("inbox", "web", *(optional[part] for part in optional if part in parts)):
                self.restart(role)
            self.until_answers("inbox", "web")
        except BaseException:  # also an interrupt: a running worker would take the next app's jobs
            uninterruptible(self.close)
            raise

    def close(self) -> None:
        """Kill all parts, so that no worker runs the jobs of the lab's next app. End the proxy."""
        self._ended.set()
        for part in self.running.values():
            part.kill()
        self.proxy.end()
        ports.release(self.inbox, self._web)

    def _watch(self) -> None:
        with suppress(LabError):  # the lab was closed
            while not self._ended.wait(0.05):
                for text, times in Counter(self.program.lines("inbox.txt")).items():
                    mails = len(self.sent[text])
                    if times > mails and text in self.posted:
                        self.forged.add(text)
                    self.came[text] += [time.time()] * (min(times, mails) - len(self.came[text]))

    def _defined_parts(self) -> set[str]:
        """Return the names of the parts that the file defines.

        Raises:
            LabError: the file can't be imported, or `web` or `Inbox` is missing.
        """
        environment = {**self.lab.stack.plan.environment(), **self._environment}
        here: Any = {"cwd": self.program.folder, "env": environment}
        failed = "Your app can't be imported: {why}"
        try:
            done = run([sys.executable, "-c", _LOOK], **here, capture_output=True, text=True,
                       check=False, timeout=_IMPORT)  # fmt: skip
        except TimeoutExpired:
            why = translate("it does not end within {s:.0f} s", s=_IMPORT)
            raise LabError(failed, why=why) from None
        if done.returncode:
            raise LabError(failed, why=_last_line(done.stderr))
        if not (lines := done.stdout.splitlines()):
            raise LabError(failed, why=translate("its code exits Python during the import"))
        parts = set(lines[-1].split())
        for needed in ("web", "Inbox"):
            if needed not in parts:
                raise LabError("Your app does not define the name {name!r}.", name=needed)
        return parts

    async def _overhear(self, line: Connection, data: bytes, *, is_answer: bool) -> None:
        """Record the time of each sent mail, and delay the mail while `let_pass` is 0."""
        if is_answer:
            return
        known = len(_HEADER.findall(self._dialogues[line]))
        self._dialogues[line] += data
        for header in _HEADER.findall(self._dialogues[line])[known:]:
            subject = str(message_from_bytes(header, policy=policy.default)["Subject"])
            self.sent[subject].append(time.time())
            self.by_message_id[message_from_bytes(header)["Message-ID"] or ""].add(subject)
            while self.let_pass == 0:
                await asyncio.sleep(0.02)
            self.let_pass -= 1

    def until_answers(self, *roles: str) -> None:
        """Wait until the web app and the inbox answer, if they are in `roles`.

        Raises:
            LabError: a part has ended, or does not answer in time.
        """

        def web_answers() -> bool:
            with suppress(httpx.HTTPError):
                answer = httpx.get(f"{self._url}/comments", **_DIRECT)
                if answer.is_server_error and not self.posted:
                    self.page("")  # raise the error now, since a longer wait does not help
                return answer.is_success
            return False

        if "inbox" in roles:
            self.running["inbox"].until_ready(lambda: _answers(self.inbox))
        if "web" in roles:
            self.running["web"].until_ready(web_answers)

    def all_run(self, *, restart: bool = False) -> bool:
        """Check that all parts run. Always return True, for use in conditions.

        Args:
            restart: if True, restart the parts that have ended, and print a message when a part
                has ended for the first time. (Stock Celery's worker may end when Redis ends.)

        Raises:
            LabError: a part has ended and `restart` is False, or a part does not start again.
        """
        for role in [role for role, part in self.running.items() if not part.alive]:
            self.ended.add(role)
            template = "The {role} of your app has ended by itself. The last line of its log: {why}"
            message = translate(template, role=role, why=_last_line(self.running[role].output()))
            if not restart:
                raise LabError(message)
            if role not in self._reported:
                print(message, translate("It was started again."), sep="\n")
                self._reported.add(role)
            self.restart(role)
            self.until_answers(role)
        return True

    @contextmanager
    def dying_at_commit(self, role: str, nth: int = 1) -> Iterator[None]:
        """Let a part kill itself right after its nth commit in the block."""
        enable(self.steps(role), Step.COMMENT_COMMITTED, nth=nth)
        try:
            yield
        finally:
            disable(self.steps(role), Step.COMMENT_COMMITTED)

    def steps(self, role: str) -> Path:
        """Return the folder for the failpoints of a part; see `demo_app.failpoints`."""
        return self.program.folder / f"steps-of-{role}"

    def kill(self, role: str) -> Kill:
        """Kill a part with SIGKILL. Return a `Kill` even if the part has already ended."""
        at, part = time.time(), self.running[role]
        part.kill()
        return Kill(at, part.pid, role)

    def restart(self, role: str) -> None:
        """Start or restart a part. If the part is a worker, wait until it is ready."""
        if role == "worker":
            started = self.program.worker("--concurrency", "2", **self._environment)
        else:
            armed = {"DEMO_DIR": str(self.steps(role)), "DEMO_DIE_AT": "armed"}
            armed["PYTHONPATH"] = str(_AFTER_COMMIT)
            environment = self._environment | (armed if role != "inbox" else {})
            started = self.program.start(role, *self._modules[role], **environment)
        self.running[role] = started

    def post(self, *texts: str) -> None:
        for text in texts:
            self.posted[text].append(time.time())
            with suppress(httpx.HTTPError):  # the reader sees an error and does not retry
                answer = httpx.post(f"{self._url}/comments", data={"text": text}, **_DIRECT)
                self._accepted[text] += not answer.is_error

    def page(self, mark: str) -> list[str]:
        """Return the comments that begin with `mark` and were accepted or are on the page.

        Raises:
            LabError: the page does not answer, is not a list of texts, or shows a comment more
                often than it was posted.
        """
        try:
            answer = httpx.get(f"{self._url}/comments", **_DIRECT).raise_for_status()
        except httpx.HTTPError as error:
            output = self.running["web"].output
            until(lambda: line_number(output()), 1.0)  # uvicorn logs the error after its reply
            why = _last_line(output())
            text = "GET /comments of your app fails ({error}). The last line of its log: {why}"
            first = str(error).partition("\n")[0]
            raise LabError(text, error=first, why=why) from None
        try:
            texts = answer.json()
        except ValueError:
            texts = None
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            text = "GET /comments of your app must return a list of texts, and returned {answer}."
            raise LabError(text, answer=answer.text[:200])
        found = Counter[str](texts) | self._accepted
        for text in (mine := [t for t in found.elements() if t.startswith(f"{mark} ")]):
            if found[text] > len(self.posted.get(text, ())):
                often = "The page of your app shows “{text}” more often than it was posted."
                raise LabError(often, text=text)
        return mine

    def arrived(self, mark: str) -> Counter[str]:
        """Return how often the inbox shows the mail of each comment that begins with `mark`.

        Lines of inbox.txt without a sent mail are not counted.
        """
        found = Counter(self.program.lines("inbox.txt"))
        return Counter({
            line: min(times, len(self.sent[line]))
            for line, times in found.items() if line.startswith(f"{mark} ")
        })  # fmt: skip

    def forged_in(self, mark: str) -> list[str]:
        """Return the comments that begin with `mark` and are in `forged`."""
        return sorted(text for text in self.forged.copy() if text.startswith(f"{mark} "))

    def in_outbox(self) -> int:
        """Return the number of rows in tables with `outbox` in their name."""
        rows = 0
        for path in self.program.folder.glob("*.db"):
            with path.open("rb") as file:
                if file.read(len(_SQLITE)) != _SQLITE:
                    continue
            with closing(sqlite3.connect(path, timeout=PATIENCE)) as db:
                for (name,) in db.execute(_OUTBOXES).fetchall():
                    rows += db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
        return rows

    def settle(self, mark: str, kills: tuple[Kill, ...] = ()) -> tuple[Ledger, int]:
        """Wait until each comment has its mail, or no mail has come for `_STILL` seconds.

        The wait ends after `_LONGEST` seconds in any case. Parts that end meanwhile are restarted.
        A restart of any part except the relay also restarts the `_STILL` seconds. In the trial
        "answer" the wait always includes `_STILL` seconds without a mail, because a second mail of
        a comment may come.

        Args:
            mark: the first word of the trial's comments.

        Returns:
            The ledger, and the number of mails that are shown more than once.
        """
        stillness = Stillness()
        for _ in poll(_LONGEST):
            self.all_run(restart=True)
            arrived, page = self.arrived(mark), self.page(mark)
            missing = any(len(self.came[text]) < page.count(text) for text in page)
            still = _STILL if mark == "answer" or missing else 0.0
            still = 0.0 if self.forged_in(mark) else still
            ready = [self.running[role].pid for role in _AWAITED if role in self.running]
            if stillness.seconds((arrived.total(), ready)) >= still:
                break
        # the reply to the last mail may be in transit, and must not reach the next trial
        what = "a moment without change"
        self.lab.until(lambda: not self.proxy.busy, what, PATIENCE, silent=True)
        page.sort(key=lambda text: self.posted[text][0])
        posted = {text: iter(self.posted[text][-page.count(text) :]) for text in page}
        came = {text: iter(self.came[text]) for text in page}
        lines = [
            LedgerLine(n, next(posted[t]), next(came[t], None), arrived[t] - page.count(t) + 1)
            for n, t in enumerate(page, 1)
        ]
        twice = sum(times > max(1, page.count(text)) for text, times in arrived.items())
        before, self.unfinished_before = self.unfinished_before, unfinished(self.lab.redis)
        waiting = max(0, self.unfinished_before - before)
        late = min(sum(one.arrived is None for one in lines), waiting + self.in_outbox())
        late = max(late, waiting) if mark == "answer" else late
        return Ledger(tuple(lines), late, kills), twice


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _last_line(text: str) -> str:
    """Return the last line of a traceback, with the line number in my_app.py."""
    return (text.strip().splitlines() or ["?"])[-1] + line_number(text)
