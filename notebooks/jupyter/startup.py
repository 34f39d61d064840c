"""The code that a kernel runs first (PYTHONSTARTUP): it shows common errors as one sentence.

These errors are an undefined name, a cell that Python cannot parse or that was interrupted, and any
other error in an exercise.
"""

import re
from collections.abc import Callable
from traceback import walk_tb
from types import TracebackType
from typing import Any

from IPython.core.getipython import get_ipython

#: Patterns of a cell with an exercise, and of a cell that assigns an answer.
_EXERCISE, _ANSWERS = re.compile(r"^check\(", re.M), re.compile(r"^answer = ", re.M)


def _hint(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> None:
    translate, cell = _translate(), shell.user_ns["In"][-1]
    # the traceback from the cell's own line on, or None if the cell could not be parsed
    line = trace.tb_next if trace.tb_frame.f_code.co_name == "run_code" else None
    if isinstance(error, KeyboardInterrupt):
        print(translate("Stopped. You can run the cell again."))
    elif isinstance(error, SyntaxError) and line is None:
        hint = "Python can't read line {line}: {why}. Is a bracket, quote or comma missing?\n{text}"
        print(translate(hint, line=error.lineno, why=error.msg, text=(error.text or "").rstrip()))
    elif name := _missing(error, line):
        hint = "{name!r} is not defined yet. Run the cells above first, from the top."
        quotes = translate(" A word of an answer needs quotes.") if _ANSWERS.search(cell) else ""
        print(translate(hint, name=name) + quotes)
    elif line is not None and _EXERCISE.search(cell) and not hasattr(error, "_render_traceback_"):
        hint = "Line {line} of this cell ends with an error, {kind}: {why}"
        print(translate(hint, line=line.tb_lineno, kind=kind.__name__, why=error))
    else:
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)


def _missing(error: BaseException, line: TracebackType | None) -> str:
    """Return the missing name that a cell above would have defined; "" for any other error."""
    if isinstance(error, KeyError) and str(error).startswith("'DEMO_"):  # `Lab` sets it
        return str(error).strip("'")
    files = [frame.f_code.co_filename for frame, _ in walk_tb(line)]
    own = not files or files[0] == files[-1]  # the error is in the cell's own code
    # an UnboundLocalError is a NameError without a name: no other cell can help
    return error.name or "" if isinstance(error, NameError) and own else ""


def _translate() -> Callable[..., str]:
    try:
        from lab.language import translate
    except ImportError:
        return str.format
    return translate


_shell: Any = get_ipython()  # type: ignore[no-untyped-call]
if _shell is not None:  # None in an ordinary Python prompt
    _shell.set_custom_exc((Exception, KeyboardInterrupt), _hint)
