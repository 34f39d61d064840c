"""Safe HTML of a mail for a frame: nothing in it may run, connect or navigate.

There are three barriers: the frame's `sandbox`, the response's Content-Security-Policy, and changes
to tags and attributes. The changes prevent actions that no policy covers. For example, `<link>` and
a click on a link can make Chromium open a connection before it checks the policy.
"""

import re
from html import unescape

from local_smtp.bounds import HTML_CHARACTERS, LINKS

POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

# In HTML, "<" directly before a letter begins a tag in any context.
_ACTIVE = re.compile(
    r"<(/?)(?=(?:link|meta|base|iframe|frame|frameset|object|embed|portal|animate|set)\b)", re.I
)
# `&#101;` in an attribute's name disables the attribute; in text it is displayed as "e".
_HREF = re.compile(r"(hr)e(f)", re.I)
_LINK = re.compile(r"<a\b[^<>]{0,2000}?\shref\s*=\s*[\"']?\s*(https?://[^\"'\s<>]{1,2000})", re.I)

HEAD = (
    '<!doctype html><meta charset="utf-8"><base target="_blank">'
    "<style>a { color: #0072b2; text-decoration: underline }</style>"
)


def make_safe(html: str) -> str:
    """Return a mail's HTML with its links and active tags disabled; `POLICY` blocks the rest.

    The HTML is cut after `HTML_CHARACTERS`.
    """
    return HEAD + _HREF.sub(r"\1&#101;\2", _ACTIVE.sub(r"<\1x-", html[:HTML_CHARACTERS]))


def links(html: str) -> list[str]:
    """Return the http and https URLs of the links, each once, at most `LINKS`."""
    found = (unescape(match.group(1)) for match in _LINK.finditer(html[:HTML_CHARACTERS]))
    return list(dict.fromkeys(found))[:LINKS]
