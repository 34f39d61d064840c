"""What happened, printed in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo_app.demo.run import DemoResult
from demo_app.demo.timeline import Timeline


def print_report(console: Console, result: DemoResult, timeline: Timeline) -> None:
    """Print what happened at each kill, and the result."""
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
    console.print(_result_table(result))


def _result_table(result: DemoResult) -> Table:
    table = Table(title="The ledger", title_justify="left", show_header=False)
    table.add_row("comments that were accepted", str(result.comments))
    table.add_row("different mails that arrived", str(result.distinct_mails))
    table.add_row(
        "lost", Text(str(result.lost), style="bold green" if not result.lost else "bold red")
    )
    table.add_row("sent twice, shown once", str(result.duplicates))
    if result.recovery_s:
        table.add_row("slowest recovery", f"{max(result.recovery_s):.2f} s")
    return table
