"""Text from strangers, made safe to look at.

Nothing in it hides or turns its line around, and no spreadsheet computes it. Escaping for HTML or
XML comes on top.
"""

from __future__ import annotations

import re
from functools import cache

#: Control characters but tab and line ends; marks, overrides and isolates of direction (Unicode
#: annex 9); blanks without a width; what is no character at all. The joiners U+200C and U+200D
#: stay: Persian and composed emoji are written with them.
_INVISIBLE = re.compile(
    r"([\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff])"
)
#: Where a spreadsheet would begin to compute; some begin a new cell at a semicolon.
_FORMULA = re.compile(r'(^|;)(?=[\s"]*[=+\-@\uff1d\uff0b\uff0d\uff20])')


def escape_formulas(cell: str) -> str:
    """Return text for a cell of a CSV file, with an apostrophe before each formula in it.

    See OWASP, "CSV Injection".
    """
    return _FORMULA.sub(r"\1'", cell)


def one_line(value: object) -> str:
    """Return the text on one line, with its invisible characters shown."""
    return " ".join(escape_invisible(value).split())


def escape_invisible(value: object) -> str:
    """Return the text with each invisible character shown, as in ``⟨U+202E⟩``."""
    parts = _INVISIBLE.split(str(value))  # every second one is such a character
    parts[1::2] = map(_shown, parts[1::2])
    return "".join(parts)


@cache  # a stranger's text can be 10,000 of them, and each reader's page shows it
def _shown(sign: str) -> str:
    return f"⟨U+{ord(sign):04X}⟩"
