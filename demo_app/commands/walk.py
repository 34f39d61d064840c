"""``walk``: where in the code one comment comes by."""

from __future__ import annotations

from rich.console import Console

from demo_app.demo.walk import HAPPENS
from demo_app.demo.walk import walk as take_it


def walk() -> None:
    """Post one comment, kill its worker, and print each step that its job passed, with the
    functions that took it there."""
    console = Console(highlight=False, soft_wrap=True)
    console.print("One comment on a stack of its own; its worker is killed in the middle …")
    for number, station in enumerate(take_it(), 1):
        when, what = f"{station.after:6.2f} s", HAPPENS[station.step]
        console.print(f"\n{number:2}  [bold]{station.step}[/]  {when}  {station.process}: {what}")
        for one in station.way:
            console.print(f"      {one.file}:{one.first}-{one.last}  {one.name}".rstrip())
