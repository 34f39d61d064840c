"""Escaping of untrusted text for display.

Invisible characters become visible, and spreadsheets do not run formulas in the text. HTML and XML
need their own escaping in addition.
"""

import re
from functools import cache

#: Control characters except tab and line ends; direction marks, overrides and isolates (Unicode
#: Annex 9); zero-width spaces; surrogates and noncharacters. The joiners U+200C and U+200D are not
#: included: Persian and composed emoji need them.
_INVISIBLE = re.compile(
    r"([\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e"
    r"\u2060-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff])"
)
#: The beginning of a formula in a CSV file. Some spreadsheets begin a new cell at a semicolon.
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
    parts = _INVISIBLE.split(str(value))  # every second part is an invisible character
    parts[1::2] = map(_shown, parts[1::2])
    return "".join(parts)


@cache  # a page may show a text with 10,000 invisible characters
def _shown(sign: str) -> str:
    return f"⟨U+{ord(sign):04X}⟩"
