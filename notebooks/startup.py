"""What a kernel runs first (PYTHONSTARTUP): a name that is not there yet gets a hint."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from IPython.core.getipython import get_ipython


def _hint(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> None:
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    print("Did you run the cells above? They define names: run them in order, from the top.")


_shell: Any = get_ipython()  # type: ignore[no-untyped-call]
if _shell is not None:  # an ordinary Python prompt has none
    _shell.set_custom_exc((NameError,), _hint)
