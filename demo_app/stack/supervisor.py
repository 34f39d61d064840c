"""Starts the processes, starts dead ones again, and ends them all."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from demo_app.stack import redis_server
from demo_app.stack.options import StackError
from demo_app.stack.pipe import Pipe
from demo_app.stack.process import Process
from demo_app.stack.roles import Plan, command, readiness

#: Seconds that a process may take to answer at its start, on a slow and busy machine.
PATIENCE = 45.0
#: How often a process that is killed at its start is started.
STARTS = 3
#: Seconds for workers to end their jobs, and for everything else to end.
GRACE = 5.0

Event = dict[str, str | int]


class Supervisor:
    """See the module.

    on_event: is told of each process that dies or is started again.
    """

    def __init__(self, plan: Plan, on_event: Callable[[Event], None]) -> None:
        self._plan = plan
        self._on_event = on_event
        self._processes: list[tuple[int, Process]] = []  # with its number within its role
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._reviving = threading.Lock()
        self._held_down: set[str] = set()
        self._quick_deaths: dict[tuple[str, int], int] = {}
        sockets = [path for path in (plan.redis_socket, plan.folder.control) if path]
        self._pipe = Pipe(plan.stack_id, sockets)

    def pids(self, role: str) -> list[int]:
        """The pids of the role's living processes."""
        with self._lock:
            return [p.pid for _, p in self._processes if p.role == role and p.alive]

    def start(self, *roles: tuple[str, int]) -> list[Process]:
        """Start a process for each (role, number), side by side; returns when all answer.

        One that is killed while it starts is started again. Raises StackError when one does not
        answer.
        """
        begun = [self._begin(role, number) for role, number in roles]
        with ThreadPoolExecutor(max(1, len(begun))) as pool:
            answering = list(pool.map(self._await_or_begin_again, begun, roles))
        for process in answering:
            process.watch()
        return answering

    def _await_or_begin_again(self, process: Process, role: tuple[str, int]) -> Process:
        for _ in range(STARTS - 1):
            try:
                self._await(process)
                return process
            except StackError:
                if not process.was_killed or self._stopping.is_set():
                    raise
            with self._lock:
                self._processes.remove((role[1], process))
            process = self._begin(*role)
        self._await(process)
        return process

    def kill(
        self, role: str, number: signal.Signals, *, hold: bool, pid: int | None = None
    ) -> list[int]:
        """Send a signal to the role's processes, or to that one; hold: what dies stays dead.

        Returns the pids.
        """
        with self._lock:
            if hold:
                self._held_down.add(role)
            living = [p for _, p in self._processes if p.role == role and p.alive]
            victims = [p for p in living if pid is None or p.pid == pid]
            for process in victims:
                process.send(number)
        if number is signal.SIGKILL:
            for process in victims:
                process.wait(GRACE)
        return [process.pid for process in victims]

    def restore(self, role: str, wanted: int) -> None:
        """See to it that so many processes of the role answer.

        Those that are started again by themselves are waited for; a second one of them would only
        find the port taken. Raises StackError when one does not answer.
        """
        self.revive(role, wanted)
        deadline = time.monotonic() + PATIENCE
        while not self._all_answer(role, wanted):
            if time.monotonic() > deadline:
                raise StackError(f"No {role} came back within {PATIENCE:.0f} s.")
            if self._stopping.wait(0.01):  # between two questions, not in place of one
                raise StackError("The stack stops.")

    def revive(self, role: str, wanted: int) -> None:
        """Start what is missing of so many processes of the role, and stays dead by itself.

        Returns when those answer. Raises StackError when one does not.
        """
        with self._reviving:  # two that count the missing at once would start twice as many
            stays_dead = role in self._held_down or not self._comes_back(role)
            self._held_down.discard(role)
            missing = self._missing(role, wanted) if stays_dead else []
            for process in self.start(*((role, number) for number in missing)):
                self._on_event({"event": "started", "role": role, "pid": process.pid})

    def _comes_back(self, role: str) -> bool:
        return role != "worker" or self._plan.options.restart

    def _missing(self, role: str, wanted: int) -> list[int]:
        """The numbers within the role that no living process has."""
        with self._lock:
            taken = {n for n, p in self._processes if p.role == role and p.alive}
        return [n for n in range(1, wanted + 1) if n not in taken]

    def _all_answer(self, role: str, wanted: int) -> bool:
        pids = self.pids(role)
        return len(pids) >= wanted and all(readiness(role, self._plan, pid)() for pid in pids)

    def stop(self) -> None:
        """End everything: first who makes and takes jobs, then the mail sink and Redis."""
        with self._lock:  # what is being started now is on the list, and nothing more comes after
            self._stopping.set()
        for roles in (("web", "worker"), ("smtp",), ("redis",)):
            with self._lock:
                ending = [p for _, p in self._processes if p.role in roles and p.alive]
            for process in ending:
                process.send(signal.SIGCONT)
                process.send(signal.SIGTERM)
            deadline = time.monotonic() + (GRACE if "worker" in roles else 2.0)
            for process in ending:
                if not process.wait(max(0.0, deadline - time.monotonic())):
                    process.send(signal.SIGKILL)
                    process.wait(GRACE)
        self._pipe.close(GRACE)

    def _begin(self, role: str, number: int) -> Process:
        plan = self._plan
        with self._lock:
            if self._stopping.is_set():
                raise StackError("The stack stops.")
            process = Process(
                role,
                command(role, plan, number),
                plan.environment(),
                plan.folder.logs / f"{role}{number}.log",
                self._ended,
            )
            self._processes.append((number, process))
        self._pipe.began(process.pid)
        return process

    def _await(self, process: Process) -> None:
        what = {"redis": "Redis", "smtp": "The mail sink", "web": "The web app"}
        ready = readiness(process.role, self._plan, process.pid)
        process.until(ready, PATIENCE, what.get(process.role, "A worker"))
        cut = redis_server.cut_off(process.said()) if process.role == "redis" else ""
        if cut:
            event: Event = {"event": "trouble", "role": "redis", "what": cut}
            # whoever listens may be waiting for this start
            threading.Thread(target=self._on_event, args=(event,), daemon=True).start()

    def _ended(self, process: Process) -> None:
        with self._lock:
            number = next(n for n, known in self._processes if known is process)
            self._processes.remove((number, process))
        self._pipe.ended(process.pid)
        if self._stopping.is_set():
            return
        role = process.role
        self._on_event({"event": "died", "role": role, "pid": process.pid})
        if role in self._held_down or not self._comes_back(role):
            return
        quick = time.monotonic() - process.started_at < 2.0
        deaths = self._quick_deaths.get((role, number), 0) + 1 if quick else 0
        self._quick_deaths[role, number] = deaths
        if deaths > 2 and self._stopping.wait(min(5.0, 0.2 * 2.0**deaths)):
            return  # it keeps dying at its start: don't burn the machine
        self._start_again(role, number)

    def _start_again(self, role: str, number: int) -> None:
        try:
            process = self._begin(role, number)
        except StackError:
            return
        try:
            self._await(process)
        except StackError as error:
            if not self._stopping.is_set():
                self._on_event({"event": "trouble", "role": role, "what": str(error)})
        else:
            self._on_event({"event": "started", "role": role, "pid": process.pid})
        process.watch()
