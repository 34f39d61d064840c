"""The output of a running cell: a picture that is replaced, and the reason why the cell waits."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from IPython import display as ipython
from IPython.core.getipython import get_ipython

from lab.language import translate

#: Seconds until the cell shows a wait (_SOON), and until it also shows the lab's situation (_LONG).
_SOON, _LONG = 2.0, 20.0


class Live:
    """A part of a cell's output that can be replaced."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, thing: object) -> None:
        if self._handle is None:
            self._handle = ipython.display(thing, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(thing)


class Progress:
    """A context manager for a wait. After 2 seconds the cell shows the awaited event.

    Args:
        what: the awaited event; "" if the cell already shows something else.
        situation: returns a sentence with more details. The cell adds it after 20 seconds.
    """

    def __init__(self, what: str, situation: Callable[[], str] = lambda: "") -> None:
        self._what, self._situation, self._began = what, situation, time.monotonic()

    def __enter__(self) -> None:
        _waits.append(self)

    def __exit__(self, *_: object) -> None:
        _waits.remove(self)

    def words(self) -> str:
        """Return the text to show for this wait; "" for none."""
        waited = time.monotonic() - self._began
        words = translate(
            "Waiting for {what} … {waited:.0f} s", what=translate(self._what), waited=waited
        )
        if waited > _LONG:
            with suppress(Exception):  # the situation is only extra information
                template = "{words}. {situation} The stop button (■) ends this cell."
                text = translate(template, words=words, situation=self._situation())
                words = text.replace("  ", " ")  # the situation may be empty
        return words if self._what else ""


_waits: list[Progress] = []  # the innermost wait is the last


class _Cell:
    """A running cell. After 2 seconds it shows the reason why it waits."""

    def __init__(self) -> None:
        self._ended, self._shown = threading.Event(), False
        self._itself = Progress("the end of this cell")
        self._thread = threading.Thread(target=self._tell, name="progress", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop the thread, and remove the text if there is one."""
        self._ended.set()
        if self._shown:  # without text, skip join(), since a keyboard interrupt could hit join()
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


_cells: list[_Cell] = []  # usually one; more if an interrupt at a cell's end prevented `_end`


def _begin(*_: object) -> None:
    _cells.append(_Cell())


def _end(*_: object) -> None:
    while _cells:
        _cells.pop().end()


_shell: Any = get_ipython()
if _shell is not None:  # None in a worker that imports lab.jobs
    _shell.events.register("pre_run_cell", _begin)
    _shell.events.register("post_run_cell", _end)
    _begin()  # for the cell that imports this module
