"""``demo``: the whole story in the terminal."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Annotated, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from typer import Option

from demo_app.demo.report import print_report
from demo_app.demo.run import DemoResult, run
from demo_app.demo.timeline import LATER, Kill, Timeline
from demo_app.stack import Stack

#: Where the picture goes without --dir; the next run replaces it.
PICTURES = Path("build")


def demo(
    comments: Annotated[int, Option(min=1, metavar="N", help="how many are posted")] = 200,
    kills: Annotated[int, Option(min=0, metavar="N", help="how many workers are killed")] = 3,
    as_json: Annotated[bool, Option("--json", help="end with one JSON object")] = False,
    folder: Annotated[
        Path | None, Option("--dir", help="keep all state, and the picture, here")
    ] = None,
) -> int:
    """Post comments, kill workers mid-run, and show that every mail arrives.

    Exit status 0 only if nothing was lost.
    """
    console = Console(stderr=as_json, highlight=False)
    console.print("Starting Redis, the mail sink, the web app and two workers …")
    with Stack(dir=folder, workers=2, controls=True) as stack:
        try:
            result, timeline = _run(console, stack, comments, kills)
        except TimeoutError:
            console.print("No worker was busy when it was to be killed: try more --comments.")
            return 1
    print_report(console, result, timeline)
    _draw(console, folder or PICTURES, timeline, result.kills)
    if as_json:
        print(json.dumps(result.as_json()))
    return 0 if result.lost == 0 else 1


def _draw(console: Console, folder: Path, timeline: Timeline, kills: list[Kill]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            # here, or every other command would wait for matplotlib
            from demo_app.demo.picture import save
        except ModuleNotFoundError:
            (folder / LATER).write_bytes(pickle.dumps((timeline, kills)))
            console.print("Its picture needs matplotlib, which is in jobs-that-survive\\[picture].")
            return
        for path in save(folder, timeline, kills):
            console.print(f"The picture: {path}")
    except OSError as error:
        console.print(f"No picture: {folder.resolve()} can't be written ({error.strerror}).")


def _run(console: Console, stack: Stack, comments: int, kills: int) -> tuple[DemoResult, Timeline]:
    columns = (
        TextColumn("{task.description:>16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        posted = progress.add_task("comments posted", total=comments)
        mailed = progress.add_task("mails delivered", total=comments)

        def on_event(event: str, detail: Any) -> None:
            if event == "posted":
                progress.advance(posted)
            elif event == "delivered":
                progress.update(mailed, completed=detail)
            else:
                progress.console.print(
                    f"[bold red]kill -9 {detail.pid}[/]: a worker in the middle of "
                    f"{len(detail.held)} jobs"
                )

        return run(stack, comments, kills, on_event)
