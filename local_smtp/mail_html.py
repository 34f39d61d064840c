"""A mail's HTML for a frame in which nothing can run, call out, or get away.

Fences, each enough by itself for most of what mails try: the frame's `sandbox`, this response's
policy, and some names made inert in the text, for what browsers do outside any policy. A
`<link>` can make Chromium open a connection; so can a click on a link, before it finds
that the frame may not go there.
"""

from __future__ import annotations

import re
from html import unescape

from local_smtp.bounds import HTML_CHARACTERS, LINKS

POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

# In HTML a tag begins with "<" and a letter at once, whatever is around it.
_ACTIVE = re.compile(
    r"<(/?)(?=(?:link|meta|base|iframe|frame|frameset|object|embed|portal|animate|set)\b)", re.I
)
# Text reads the same with a character reference in it; the name of an attribute does not.
_HREF = re.compile(r"(hr)e(f)", re.I)
_LINK = re.compile(r"<a\b[^<>]{0,2000}?\shref\s*=\s*[\"']?\s*(https?://[^\"'\s<>]{1,2000})", re.I)

HEAD = (
    '<!doctype html><meta charset="utf-8"><base target="_blank">'
    "<style>a { color: #0072b2; text-decoration: underline }</style>"
)


def harmless(html: str) -> str:
    """A mail's HTML with nothing from elsewhere in it."""
    return HEAD + _HREF.sub(r"\1&#101;\2", _ACTIVE.sub(r"<\1x-", html[:HTML_CHARACTERS]))


def links(html: str) -> list[str]:
    """Where the HTML's links lead, each once, in their order; only web addresses."""
    found = (unescape(match.group(1)) for match in _LINK.finditer(html[:HTML_CHARACTERS]))
    return list(dict.fromkeys(found))[:LINKS]
