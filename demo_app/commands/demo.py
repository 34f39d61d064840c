"""The command ``demo``: posts comments, kills workers, and counts the mails that arrive."""

import json
import os
import pickle
from pathlib import Path
from typing import Annotated, Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text
from typer import Option

from demo_app.demo.run import DemoResult, run
from demo_app.demo.timeline import LATER, Kill, Timeline
from demo_app.stack import Stack

#: The default folder of the picture. Each run replaces the picture.
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
        except (TimeoutError, httpx.HTTPError) as error:
            console.print(f"{error}", markup=False)
            return 1
    _print_report(console, result, timeline)
    _draw(console, folder or PICTURES, timeline, result.kills)
    if as_json:
        print(json.dumps(result.as_json()))
    return 0 if result.lost == 0 else 1


def _draw(console: Console, folder: Path, timeline: Timeline, kills: list[Kill]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            # imported here, since matplotlib would delay every other command
            from demo_app.demo.picture import save
        except ModuleNotFoundError:
            (folder / LATER).write_bytes(pickle.dumps((timeline, kills)))
            if "MAKELEVEL" in os.environ:  # set by make: `make demo` draws the picture later
                console.print("The picture comes next.")
            else:
                console.print("The picture needs matplotlib: install jobs-that-survive\\[picture].")
            return
        for path in save(folder, timeline, kills):
            console.print(f"The picture: {path}", markup=False, soft_wrap=True)
    except OSError as error:
        why = f"No picture: {folder.resolve()} can't be written ({error.strerror})."
        console.print(why, markup=False, soft_wrap=True)


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


def _print_report(console: Console, result: DemoResult, timeline: Timeline) -> None:
    start, found = timeline.start, {death.id: death for death in timeline.deaths}
    for kill, seconds in zip(result.kills, result.recovery_s, strict=True):
        console.print(
            f"[bold]{kill.at - start:6.2f} s[/]  SIGKILL to worker pid {kill.pid}, "
            f"in the middle of {len(kill.held)} jobs"
        )
        if death := found.get(kill.worker):
            finder = timeline.workers.get(death.found_by)
            console.print(
                f"[bold]{(death.died or start) - start:6.2f} s[/]  worker pid "
                f"{finder.pid if finder else '?'} finds it dead and puts "
                f"{len(death.rescued)} jobs back at the head of the queue"
            )
        console.print(
            f"[bold]{kill.at - start + seconds:6.2f} s[/]  all of them run again: "
            f"recovered in {seconds:.2f} s"
        )
    table = Table(title="The ledger", title_justify="left", show_header=False)
    table.add_row("comments that were accepted", str(result.comments))
    table.add_row("different mails that arrived", str(result.distinct_mails))
    table.add_row(
        "lost", Text(str(result.lost), style="bold green" if not result.lost else "bold red")
    )
    table.add_row("sent twice, shown once", str(result.duplicates))
    if result.recovery_s:
        table.add_row("slowest recovery", f"{max(result.recovery_s):.2f} s")
    console.print(table)
