"""A mail's HTML for a frame in which nothing can run, call out, or get away.

Fences, each enough by itself for most of what mails try: the frame's `sandbox`, this response's
policy, and some names made inert in the text, for what browsers do outside any policy. A
`<link>` can make Chromium open a connection; so can a click on a link, before it finds
that the frame may not go there.
"""

import base64
import re
from html import unescape

from local_smtp.parts import Parts, part_content, take_apart

POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

_HTML_LIMIT = 5 * 1024 * 1024  # characters
_INLINE_LIMIT = 10 * 1024 * 1024  # bytes of pictures put into the page

# In HTML a tag begins with "<" and a letter at once, whatever stands around it.
_ACTIVE = re.compile(
    r"<(/?)(?=(?:link|meta|base|iframe|frame|frameset|object|embed|portal|animate|set)\b)", re.I
)
# Text reads the same with a character reference in it; the name of an attribute does not.
_HREF = re.compile(r"(hr)e(f)", re.I)
_CID = re.compile(r"(?<=[\"'=(\s])cid:([^\"'\s)<>]{1,500})", re.I)
_REMOTE_IMAGE = re.compile(
    r"<(?:img|image|input|video)\b[^>]{1,2000}?(?:src|href|poster)\s*=\s*[\"']?\s*(?:https?:)?//"
    r"|url\(\s*[\"']?\s*(?:https?:)?//",
    re.I,
)
_LINK = re.compile(r"<a\b[^<>]{0,2000}?\shref\s*=\s*[\"']?\s*(https?://[^\"'\s<>]{1,2000})", re.I)
_LINK_LIMIT = 200

_HEAD = (
    '<!doctype html><meta charset="utf-8"><base target="_blank">'
    "<style>a { color: #0072b2; text-decoration: underline }</style>"
)


def harmless(raw: bytes) -> str:
    """Return the HTML of a mail with its own pictures in place, and nothing from elsewhere."""
    parts = take_apart(raw)
    html = (parts.html or "")[:_HTML_LIMIT]
    html = _HREF.sub(r"\1&#101;\2", _ACTIVE.sub(r"<\1x-", html))
    return _HEAD + _with_pictures(html, raw, parts)


def count_remote_images(html: str) -> int:
    """Return how many pictures the HTML would fetch if it could."""
    return sum(1 for _ in _REMOTE_IMAGE.finditer(html[:_HTML_LIMIT]))


def links(html: str) -> list[str]:
    """Return where the HTML's links lead, each once, in their order; only web addresses."""
    found = (unescape(match.group(1)) for match in _LINK.finditer(html[:_HTML_LIMIT]))
    return list(dict.fromkeys(found))[:_LINK_LIMIT]


def _with_pictures(html: str, raw: bytes, parts: Parts) -> str:
    pictures = {
        item.content_id: item
        for item in parts.attachments
        if item.content_id and item.content_type.startswith("image/")
    }
    budget = _INLINE_LIMIT
    cache: dict[str, str] = {}

    def picture(found: re.Match[str]) -> str:
        nonlocal budget
        name = found.group(1)
        item = pictures.get(name)
        if item is None:
            return "data:,"
        if name not in cache:
            got = part_content(raw, item.part)
            cache[name] = "data:,"
            if got is not None:
                kind = re.sub(r"[^a-z0-9.+/-]", "", item.content_type)
                cache[name] = f"data:{kind};base64,{base64.b64encode(got[1]).decode()}"
        budget -= len(cache[name])
        return cache[name] if budget >= 0 else "data:,"

    return _CID.sub(picture, html)
