"""Listen to Celery's events as Flower does, with the class that Flower keeps its state in."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from celery.events.state import State

from demo_app.jobs.backends.stock import stock_app
from demo_app.settings import settings

if TYPE_CHECKING:
    from lab.running import Lab


class Listener:
    """What can be known from events alone; stops with its lab."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._state: Any = State()
        self._app = stock_app(settings())
        self._ready = threading.Event()
        threading.Thread(target=self._listen, name="events", daemon=True).start()
        lab.until(self._ready.is_set, "the listener")

    def states(self, wait_for: int) -> dict[str, str]:
        """Each job's state by the first letters of its id, once it has heard of so many."""
        self._lab.until(lambda: len(self._state.tasks) >= wait_for, "the workers' events")
        return {job[:8]: str(task.state) for job, task in self._state.tasks.items()}

    def _listen(self) -> None:
        try:
            with self._app.connection_for_read() as connection:
                receiver = self._app.events.Receiver(connection, handlers={"*": self._state.event})
                with receiver.consumer_context() as (listening, _channel, _consumers):
                    self._ready.set()
                    while not self._lab.closed:
                        try:
                            listening.drain_events(timeout=0.5)
                        except TimeoutError:
                            continue
        except Exception:
            return  # the lab has ended, and its Redis with it


def listen(lab: Lab) -> Listener:
    """Begin to listen; what was said before is not heard."""
    return Listener(lab)
