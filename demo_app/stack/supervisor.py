"""The supervisor, which starts the processes, restarts dead ones, and ends them all."""

import signal
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from demo_app.rig.polling import poll
from demo_app.rig.process import GRACE, Process, StackError
from demo_app.rig.reaper import ReaperClient, reap
from demo_app.rig.redis_server import set_aside_unreadable
from demo_app.stack.roles import STOCK, StackPlan, command, readiness

#: Seconds until a started process must answer, even on a slow and busy machine.
PATIENCE = 45.0
#: Maximum number of starts of a process, if each time it is killed before it answers.
STARTS = 3
#: Seconds between a failed start of a process and the next start.
PAUSE = 1.0
#: Length of an outage (seconds), long enough for people to see it.
OUTAGE_SECONDS = 5.0

Event = dict[str, str | int]

_NAMES = {"redis": "Redis", "smtp": "The mail sink", "web": "The web app", "worker": "A worker"}
_NAMES[STOCK] = "Stock Celery's worker"


class Supervisor:
    """The supervisor of a stack.

    Processes are started in separate threads, never in the caller's thread. A KeyboardInterrupt
    reaches only the main thread, so it cannot interrupt a start before the process is in
    `_processes`.

    Args:
        on_event: a function to call for each death, restart and problem of a process.
    """

    def __init__(self, plan: StackPlan, on_event: Callable[[Event], None]) -> None:
        self._plan = plan
        self._on_event = on_event
        self._processes: list[Process] = []
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._reviving = threading.Lock()
        self._held_down: set[str] = set() if plan.options.autostart else set(plan.roles)
        sockets = [path for path in (plan.redis_socket, plan.folder.control) if path]
        self._reaper = ReaperClient(plan.stack_id, sockets)

    def pids(self, role: str) -> list[int]:
        return [process.pid for process in self._living(role)]

    def start_all(self, counts: dict[str, int]) -> None:
        """Start this number of processes for each role: Redis first, then all others in parallel.

        Raises:
            StackError: a process does not answer.
        """
        with self._reviving:
            roles = [(role, n + 1) for role, count in counts.items() for n in range(count)]
            self._start_side_by_side([role for role in roles if role[0] == "redis"])
            self._start_side_by_side([role for role in roles if role[0] != "redis"])

    def kill(
        self, role: str, number: signal.Signals, *, hold: bool, pid: int | None = None
    ) -> list[int]:
        """Send a signal to the role's processes. After a SIGKILL, wait for their end.

        Args:
            hold: if True, do not restart the role's processes before a call of `revive` or the end
                of `outage`.
            pid: only the process with this id; None for all.

        Returns:
            The pids of the processes that received the signal.
        """
        with self._lock:
            if hold:
                self._held_down.add(role)
            victims = [p for p in self._living(role) if pid is None or p.pid == pid]
            for process in victims:
                process.send(number)
        if number is signal.SIGKILL:
            for process in victims:
                process.wait(GRACE)
        return [process.pid for process in victims]

    def revive(self, role: str, count: int) -> None:
        """Start the role's missing processes, and wait until they answer.

        If the role is restarted automatically, do nothing. Otherwise first end the role's `hold`
        (see `kill`).

        Raises:
            StackError: a process does not answer.
        """
        with self._reviving:  # without the lock, two threads could start the same process
            if self._comes_back(role):
                return
            self._held_down.discard(role)
            taken = {process.number for process in self._living(role)}
            missing = [(role, n) for n in range(1, count + 1) if n not in taken]
            try:
                started = self._start_side_by_side(missing)
            except StackError:
                self._held_down.add(role)  # so that the next call tries again
                raise
            for process in started:
                self._report({"event": "started", "role": role, "pid": process.pid})

    def outage(self, role: str) -> None:
        """Kill the role's only process, and restart it after `OUTAGE_SECONDS`.

        Do not restart the process if `revive` has already restarted it, or if the stack stops.
        """
        self.kill(role, signal.SIGKILL, hold=True)
        self._stopping.wait(OUTAGE_SECONDS)
        with self._reviving:
            if role not in self._held_down:  # `revive` has started the process meanwhile
                return
            self._held_down.discard(role)
        self._restart(role, 1)

    def wait_for(self, role: str, count: int) -> None:
        """Wait until `count` processes of the role answer.

        Raises:
            StackError: the processes do not answer within `PATIENCE`, or the stack stops.
        """
        for _ in poll(PATIENCE):
            pids = self.pids(role)
            if len(pids) >= count and all(readiness(role, self._plan, pid)() for pid in pids):
                return
            if self._stopping.is_set():
                raise StackError("The stack is shutting down.")
        raise StackError(f"Not all {role!r} processes answered within {PATIENCE:.0f} s.")

    def stop(self) -> None:
        """End all processes: the web app and the workers first, then the mail sink and Redis."""
        with self._lock:  # from here on, `_begin` does not start a process
            self._stopping.set()
        self._end("web", "worker", STOCK, seconds=GRACE)
        self._end("smtp", seconds=2.0)
        self._end("redis", seconds=2.0)
        reap(self._plan.stack_id)  # end the remaining processes of this stack
        self._reaper.close(GRACE)

    def _end(self, *roles: str, seconds: float) -> None:
        """Send SIGTERM to the processes of these roles, and SIGKILL after `seconds`."""
        ending = self._living(*roles)
        for process in ending:
            process.send(signal.SIGCONT)
            process.send(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        for process in ending:
            if not process.wait(max(0.0, deadline - time.monotonic())):
                process.kill()

    def _living(self, *roles: str) -> list[Process]:
        with self._lock:
            return [p for p in self._processes if p.role in roles and p.alive]

    def _comes_back(self, role: str) -> bool:
        """Return True if the role's processes are restarted when they die."""
        restarted = self._plan.options.restart or role not in ("worker", STOCK)
        return restarted and role not in self._held_down

    def _start_side_by_side(self, places: list[tuple[str, int]]) -> list[Process]:
        """Start all these processes, given as (role, number), in parallel.

        Return the processes when all of them answer.

        Raises:
            StackError: a process does not answer.
        """
        pool = ThreadPoolExecutor(max(1, len(places)), thread_name_prefix="start")
        try:
            starting = [pool.submit(self._start, role, number) for role, number in places]
            for started in wait(starting, return_when=FIRST_EXCEPTION).done:
                started.result()
            return [started.result() for started in starting]
        finally:
            pool.shutdown(wait=False)  # after an error do not wait for the other processes

    def _start(self, role: str, number: int) -> Process:
        """Start a process, and wait until it answers. When it dies later, restart it.

        If it is killed before it answers, start it again, up to `STARTS` times in all. If Redis
        can't load its data, move the data to another folder, and start Redis without data.

        Raises:
            StackError: the process can't be started, or does not answer.
        """
        starts = 1
        while True:
            process = self._begin(role, number)
            try:
                ready = readiness(role, self._plan, process.pid)
                process.wait_until(ready, PATIENCE, _NAMES[role], self._stopping)
            except StackError as error:
                if self._stopping.is_set():
                    raise  # `stop` ends the process
                was_killed = process.was_killed
                process.kill()
                self._forget(process)
                if role == "redis" and (
                    aside := set_aside_unreadable(self._plan.folder.redis, str(error))
                ):
                    what = f"it can't load its data, which is in {aside} now, and starts empty"
                    self._report({"event": "trouble", "role": role, "what": what})
                    continue
                if not was_killed or starts == STARTS or role in self._held_down:
                    raise
                starts += 1
            else:
                process.watch(self._ended)
                return process

    def _begin(self, role: str, number: int) -> Process:
        log = self._plan.folder.logs / f"{role}{number}.log"
        environment = self._plan.environment(role)
        with self._lock:
            if self._stopping.is_set():
                raise StackError("The stack is shutting down.")
            try:
                order = command(role, self._plan)
                process = Process(role, order, environment, log, number)
            except OSError as error:  # no descriptor is free, or fork(2) returns EAGAIN
                raise StackError(f"{_NAMES[role]} can't be started: {error.strerror}.") from error
            self._processes.append(process)
        self._reaper.add(process.pid)
        return process

    def _forget(self, process: Process) -> None:
        with self._lock:
            self._processes.remove(process)
        self._reaper.remove(process.pid)

    def _ended(self, process: Process) -> None:
        self._forget(process)
        if self._stopping.is_set():
            return
        self._report({"event": "died", "role": process.role, "pid": process.pid})
        self._restart(process.role, process.number)

    def _restart(self, role: str, number: int) -> None:
        """If the role is restarted automatically, start a process, and retry until it answers."""
        pause = 0.0
        while self._comes_back(role) and not self._stopping.wait(pause):
            if number in {process.number for process in self._living(role)}:
                return  # `revive` has started the process meanwhile
            try:
                started = self._start(role, number)
            except Exception as error:  # no error may end the supervision
                if not self._stopping.is_set():
                    self._report({"event": "trouble", "role": role, "what": str(error)})
                pause = PAUSE
            else:
                self._report({"event": "started", "role": role, "pid": started.pid})
                return

    def _report(self, event: Event) -> None:
        """Call `on_event`. Print its errors, which must not end the supervision."""
        try:
            self._on_event(event)
        except Exception:
            traceback.print_exc()
