"""So that an audience joins in: the blog's address for the phones in the room, and its QR code."""

from __future__ import annotations

import io
import socket
from urllib.parse import urlsplit

import segno

from demo_app.settings import Settings


def host_for_phones() -> str:
    """This machine's address in its network; "" when the web app listens on this machine only.

    DEMO_WEB_HOST=0.0.0.0 makes it listen for all.
    """
    if Settings().web_host not in ("0.0.0.0", "::"):
        return ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; an address of RFC 5737
        except OSError:  # no network at all
            return ""
        return str(probe.getsockname()[0])


def invitation(web: str) -> str:
    """What `up --show` prints for them. web: the blog's address on this machine."""
    host = host_for_phones()
    if not host:
        return "  (with DEMO_WEB_HOST=0.0.0.0 phones may comment too: it prints a QR code)"
    address = f"http://{host}:{urlsplit(web).port}/"
    code = io.StringIO()
    segno.make(address, micro=False).terminal(code, compact=True, border=2)
    return f"  for phones     {address}\n\n{code.getvalue()}"
