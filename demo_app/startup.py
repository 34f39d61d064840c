"""How a process starts with less work."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def garbage_collection_paused() -> Iterator[None]:
    """For what stays as long as the process does: modules, and the app that is made of them.

    Python looks for garbage again and again while it imports, and once more at its end, through all
    that there is, and finds none: a fourth of the work of a start and an end. Here it does not
    look, and afterwards (gc.freeze) only at what is made later.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
