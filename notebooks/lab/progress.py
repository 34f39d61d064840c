"""The output of a cell while it runs: a picture that is replaced, and what the cell waits for.

It imports nothing large: the first cell of a lesson says that it is importing the rest.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from IPython import display as ipython
from IPython.core.getipython import get_ipython

from lab.language import say

#: Seconds after which a wait is shown, and after which it says what is going on.
_SOON, _LONG = 2.0, 20.0


class Live:
    """One place in a cell's output whose content is replaced; the last one stays."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, thing: object) -> None:
        """Show it in place of the one before."""
        if self._handle is None:
            self._handle = ipython.display(thing, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(thing)


class Progress:
    """A context in which the learner waits; after 2 seconds the cell says for what.

    what: empty where something else moves in the cell. situation: says what is going on; asked
    when it takes very long.
    """

    def __init__(self, what: str, situation: Callable[[], str] = lambda: "") -> None:
        self._what, self._situation, self._began = what, situation, time.monotonic()

    def __enter__(self) -> None:
        _waits.append(self)

    def __exit__(self, *_: object) -> None:
        _waits.remove(self)

    def words(self) -> str:
        """Return the current text of the cell; "" for none."""
        waited = time.monotonic() - self._began
        words = say("Waiting for {what} … {waited:.0f} s", what=say(self._what), waited=waited)
        if waited > _LONG:
            with suppress(Exception):  # it only informs
                template = "{words}. {situation} The stop button (■) ends this cell."
                text = say(template, words=words, situation=self._situation())
                words = text.replace("  ", " ")  # there may be nothing to say
        return words if self._what else ""


_waits: list[Progress] = []  # the innermost is the last


class _Cell:
    """A cell that runs: from its third second on, it says what it waits for."""

    def __init__(self) -> None:
        self._ended, self._shown = threading.Event(), False
        self._itself = Progress("the end of this cell")
        self._thread = threading.Thread(target=self._tell, name="progress", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Take away what was shown."""
        self._ended.set()
        if self._shown:  # else there is nothing to wait for, and an interrupt would meet the wait
            self._thread.join()

    def _tell(self) -> None:
        live = Live()
        while not self._ended.wait(1.0 if self._shown else _SOON):
            words = [self._itself, *_waits][-1].words()
            self._shown = self._shown or bool(words)
            if self._shown:
                live.show(ipython.Pretty(words))  # type: ignore[no-untyped-call]
        if self._shown:
            live.show(ipython.Pretty(""))  # type: ignore[no-untyped-call]


_cells: list[_Cell] = []  # one, or more where an interrupt met the end of the one before


def _begin(*_: object) -> None:
    _cells.append(_Cell())


def _end(*_: object) -> None:
    while _cells:
        _cells.pop().end()


_shell: Any = get_ipython()
if _shell is not None:  # as in a worker that imports lab.jobs
    _shell.events.register("pre_run_cell", _begin)
    _shell.events.register("post_run_cell", _end)
    _begin()  # the cell that imports this
