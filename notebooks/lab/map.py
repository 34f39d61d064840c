"""The map of the running system, drawn from its living processes."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from urllib.parse import urlsplit

from demo_app.stack import Stack
from demo_app.verification.demo.colours import EDGE, INK, PAPER, RUNNING, WAITING
from lab.show import Picture


@dataclass(frozen=True, slots=True)
class _Box:
    x: int
    y: int
    name: str
    lines: tuple[str, ...]


def draw_map(stack: Stack) -> Picture:
    """The processes, with pids and ports, and the way of a comment."""
    ready = stack.ready
    pids = {role: ", ".join(map(str, found)) or "none" for role, found in ready["pids"].items()}
    port = {name: urlsplit(ready[name]).port for name in ("web", "inbox")}
    threads = stack.options.concurrency
    smtp_port = ready["smtp"].rpartition(":")[2]
    web = (f"pid {pids['web']}", f"port {port['web']}", "comments in SQLite")
    boxes = [
        _Box(10, 90, "reader", ("a browser,", "or this notebook")),
        _Box(240, 90, "web app", web),
        _Box(460, 90, "Redis", (f"pid {pids['redis']}", "a socket, no port", "the queue is here")),
        _Box(680, 90, "workers", (f"pid {pids['worker']}", f"{threads} threads each")),
        _Box(680, 250, "mail server", (f"pid {pids['smtp']}", f"port {smtp_port}")),
        _Box(460, 250, "inbox", ("the same process", f"port {port['inbox']}")),
    ]
    arrows = [
        ((170, 135), (240, 135), "comment"),
        ((400, 135), (460, 135), "job"),
        ((620, 135), (680, 135), "job"),
        ((760, 185), (760, 250), "mail"),
        ((680, 295), (620, 295), "mail"),
    ]
    parts = [_box(box) for box in boxes] + [_arrow(*arrow) for arrow in arrows]
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 60 850 300" width="850" '
        'font-family="sans-serif"><defs><marker id="tip" markerWidth="9" markerHeight="9" '
        f'refX="7" refY="4" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="{INK}"/></marker>'
        f"</defs>{''.join(parts)}</svg>"
    )
    words = (
        f"A comment goes from the reader to the web app (pid {pids['web']}, port {port['web']}), "
        f"its job to Redis (pid {pids['redis']}), from there to a worker (pid {pids['worker']}), "
        f"and its mail to the mail server (pid {pids['smtp']}, inbox on port {port['inbox']})."
    )
    return Picture(svg, words)


def _box(box: _Box) -> str:
    lines = "".join(
        f'<text x="{box.x + 80}" y="{box.y + 46 + 19 * n}" text-anchor="middle" font-size="14" '
        f'fill="{INK}">{escape(line)}</text>'
        for n, line in enumerate(box.lines)
    )
    return (
        f'<rect x="{box.x}" y="{box.y}" width="160" height="95" rx="8" fill="{PAPER}" '
        f'stroke="{RUNNING}" stroke-width="2"/>'
        f'<rect x="{box.x}" y="{box.y}" width="160" height="26" rx="8" fill="{WAITING}" '
        f'stroke="{EDGE}"/>'
        f'<text x="{box.x + 80}" y="{box.y + 18}" text-anchor="middle" font-size="15" '
        f'font-weight="bold" fill="{INK}">{escape(box.name)}</text>{lines}'
    )


def _arrow(start: tuple[int, int], end: tuple[int, int], word: str) -> str:
    (x1, y1), (x2, y2) = start, end
    down = x1 == x2
    x, y = (x1 + 32, (y1 + y2) // 2 + 4) if down else ((x1 + x2) // 2, y1 - 9)
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{INK}" stroke-width="2" '
        f'marker-end="url(#tip)"/>'
        f'<text x="{x}" y="{y}" text-anchor="middle" font-size="14" fill="{INK}">{word}</text>'
    )
