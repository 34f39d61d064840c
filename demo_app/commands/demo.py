"""``demo``: the whole story in the terminal."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from demo_app.stack import Stack, StackError
from demo_app.verification.demo.picture import draw, save
from demo_app.verification.demo.play import Ledger, Tell, play
from demo_app.verification.demo.text import tell_story
from demo_app.verification.demo.timeline import Timeline


def add_to(commands: Any) -> None:
    """Add this command's words to the command line."""
    parser = commands.add_parser(
        "demo",
        help="post comments, kill the worker mid-run, count the mails",
        description="Post comments, kill workers mid-run, and show that every mail arrives. "
        "Exit status 0 only if nothing was lost.",
    )
    add = parser.add_argument
    add("--comments", type=int, default=200, metavar="N", help="default: 200")
    add("--kills", type=int, default=3, metavar="N", help="default: 3")
    add("--json", action="store_true", help="print one JSON object with the ledger")
    add("--dir", type=Path, help="keep all state, and the picture, here")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Play the story; 0 only if nothing was lost."""
    if given.comments < 1 or given.kills < 0:
        raise StackError("There must be at least one comment, and no negative number of kills.")
    console = Console(stderr=given.json, highlight=False)
    console.print("Starting Redis, the mail sink, the web app and two workers …")
    with Stack(dir=given.dir, workers=2) as stack:
        ledger, timeline = _played(console, stack, given.comments, given.kills)
        tell_story(console, ledger, timeline)
        folder = given.dir or Path(tempfile.mkdtemp(prefix="demo-picture-"))
        picture = draw(timeline, ledger.kills)
        for path in save(picture, folder / "timeline"):
            console.print(f"The picture: {path}")
    if given.json:
        print(json.dumps(ledger.as_json()))
    return 0 if ledger.lost == 0 else 1


def _played(console: Console, stack: Stack, comments: int, kills: int) -> tuple[Ledger, Timeline]:
    columns = (
        TextColumn("{task.description:>16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        posted = progress.add_task("comments posted", total=comments)
        mailed = progress.add_task("mails delivered", total=comments)

        def tell(word: str, what: dict[str, Any]) -> None:
            if word == "posted":
                progress.advance(posted)
            elif word == "delivered":
                progress.update(mailed, completed=what["mails"])
            else:
                kill = what["kill"]
                progress.console.print(
                    f"[bold red]kill -9 {kill.pid}[/]: a worker in the middle of "
                    f"{len(kill.held)} jobs"
                )

        watched: Tell = tell
        return play(stack, comments, kills, watched)
