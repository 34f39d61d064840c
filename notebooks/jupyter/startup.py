"""What a kernel runs first (PYTHONSTARTUP): one sentence for a name that is not there yet, and for
a cell that was stopped."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import TracebackType
from typing import Any

from IPython.core.getipython import get_ipython

#: A cell in which the learner answers an exercise.
_ANSWERS = re.compile(r"^answer = ", re.M)


def _hint(
    shell: Any,
    kind: type[BaseException],
    error: NameError | KeyboardInterrupt,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> None:
    if isinstance(error, KeyboardInterrupt):
        print(_say()("Stopped. You can run the cell again."))
    elif trace.tb_next is not None and trace.tb_next.tb_next is not None:  # deep in some function
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    else:
        told = "{name!r} is not defined yet. Run the cells above first, from the top."
        quotes = " A word of an answer needs quotes."
        say, answers = _say(), _ANSWERS.search(shell.user_ns["In"][-1])
        print(say(told, name=error.name) + (say(quotes) if answers else ""))


def _say() -> Callable[..., str]:
    """What speaks the lesson's language; English beside no lab."""
    try:
        from lab.language import say
    except ImportError:
        return str.format
    return say


_shell: Any = get_ipython()  # type: ignore[no-untyped-call]
if _shell is not None:  # an ordinary Python prompt has none
    _shell.set_custom_exc((NameError, KeyboardInterrupt), _hint)
