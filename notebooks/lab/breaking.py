"""Breaking a lab: kill, freeze, and make its mail server misbehave."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

from demo_app.verification.demo.run import kill_busy_worker
from demo_app.verification.demo.timeline import Kill
from lab.byhand import HandStarted
from lab.shield import shielded
from lab.waiting import UNFINISHED, Waiting


class Breaking(Waiting):
    """A lab that one can break, and mend."""

    def slow_mail(self, each: float) -> None:
        """Let the mail server take so many seconds for each mail."""
        self.faults({"at": "data", "do": "wait", "seconds": each})

    def faults(self, *rules: dict[str, Any]) -> None:
        """Make the mail server misbehave by these rules, and no others; none mends it."""
        self.client.set_faults(*rules)

    def kill(self, role: str = "worker", *, restart: bool = True) -> Kill:
        """SIGKILL a process: the role's, or a worker in the middle of its jobs.

        restart: False keeps it dead until `start`. Waits until a worker has something to do; when
        nothing is left to do, as in a cell that is run again, an idle one is killed.
        """
        if role == "worker":
            kill = self._kill_worker(restart)
        else:
            at = time.time()
            pids = self.stack.kill(role, restart=restart)
            kill = Kill(at, pids[0], role)
        self.kills.append(kill)
        return kill

    def kill_process(self, role: str, meanwhile: Callable[[], Any] = lambda: None) -> Kill:
        """SIGKILL to the role's first process, whatever it does; another takes its place.

        meanwhile: called when it is dead, and before the other one works.
        """
        at, pid = time.time(), self.stack.ready["pids"][role][0]
        self.stack.kill(role, pid=pid)
        meanwhile()
        self.until(lambda: self._answered & {*self.stack.ready["pids"][role]}, f"another {role}")
        self.kills.append(Kill(at, pid, role))
        return self.kills[-1]

    def _kill_worker(self, restart: bool) -> Kill:
        if not self.stock:
            kill: Kill = self.until(lambda: self._kill_busy(restart), "a worker to kill")
            return kill
        options, redis = self.stack.options, self.redis
        # a worker has no more in hand than its threads, so with one more each worker has some
        wanted = options.concurrency * (options.workers - 1) + 1
        self.until(lambda: redis.hlen("unacked") >= wanted, "a busy worker")
        at = time.time()
        victim = self.stack.ready["pids"]["worker"][0]
        self.stack.kill("worker", pid=victim, restart=restart)
        return Kill(at, victim, f"stock-{victim}")

    def _kill_busy(self, restart: bool) -> Kill | None:
        try:
            return kill_busy_worker(self.stack, self.client, restart=restart, seconds=0.2)
        except TimeoutError:
            now, mails = self.client.summary(), self.client.mail_stats()["distinct"]
        living = self.stack.ready["pids"]["worker"]
        open_jobs = any(now[state] for state in UNFINISHED)
        if open_jobs or mails < len(self.posted) or not living:
            return None
        at = time.time()
        self.stack.kill("worker", pid=living[0], restart=restart)
        return Kill(at, living[0], "an idle worker")

    def start(self, role: str = "worker") -> None:
        """Start what was killed for good; returns when it answers."""
        shielded(lambda: self.stack.start(role))

    def send_workers_home(self) -> None:
        """Stop the workers in good order (SIGTERM); nobody works until `start`."""
        self.stack.kill("worker", signal.SIGTERM, restart=False)
        self.until(lambda: not self.stack.ready["pids"]["worker"], "the workers' end")

    def until_worker_waits(self) -> None:
        """Wait until a worker asks Redis for a job, and there is none."""
        self.until(self._worker_waits, "a worker that waits for a job")

    def freeze_idle_worker(self) -> None:
        """SIGSTOP while it waits for a job: it keeps all it has, and does nothing.

        The wait ends by itself after a second, so it is frozen at the beginning of one.
        """
        before = self.until(self._waits, "a worker that waits for a job")
        self.until(lambda: self._waits() - before, "a worker that begins to wait for a job")
        self.stack.kill("worker", signal.SIGSTOP)

    def kill_frozen_worker(self) -> Kill:
        """SIGKILL, after Redis has answered the frozen worker; a new one takes its place."""
        self.until(lambda: not self._worker_waits(), "Redis answering the frozen worker")
        at = time.time()
        (pid,) = self.stack.kill("worker")
        kill = Kill(at, pid, "frozen")
        self.kills.append(kill)
        self.until(lambda: self.stack.ready["pids"]["worker"] not in ([], [pid]), "a new worker")
        return kill

    def _worker_waits(self) -> bool:
        return bool(self._waits())

    def _waits(self) -> set[tuple[str, str]]:
        """The connections on which a worker waits, each with the number of its commands so far."""
        waits_in = "brpop" if self.stock else "xread"
        return {
            (client["id"], client.get("tot-cmds", client["idle"]))  # not every server counts them
            for client in self.redis.client_list()
            if client["cmd"] == waits_in and "b" in client["flags"]
        }

    def celery(self, *arguments: str, through: tuple[str, ...] = ()) -> HandStarted:
        """Start a Celery worker by hand, with options of one's own, beside the stack's.

        through: a program that is given the worker's command, and becomes the worker.
        """
        return HandStarted(self, self.stack.plan, arguments, through)
