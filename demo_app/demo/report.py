"""What happened, printed in the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo_app.broker.fold import JobRecord
from demo_app.demo.run import DemoResult
from demo_app.demo.timeline import Kill, Timeline

_WIDTH = 64


def print_report(console: Console, result: DemoResult, timeline: Timeline) -> None:
    """Print what happened at each kill, and the result."""
    for number, kill in enumerate(result.kills):
        _print_kill(console, number, kill, result, timeline)
    console.print(_result_table(result))


def _print_kill(
    console: Console, number: int, kill: Kill, result: DemoResult, timeline: Timeline
) -> None:
    start = timeline.start
    console.rule(f"kill {number + 1} of {len(result.kills)}", align="left")
    console.print(
        f"[bold]{kill.at - start:6.2f} s[/]  SIGKILL to worker pid {kill.pid}, "
        f"in the middle of {len(kill.held)} jobs"
    )
    for death in timeline.deaths:
        if death.id == kill.worker:
            finder = timeline.workers.get(death.found_by)
            console.print(
                f"[bold]{(death.died or start) - start:6.2f} s[/]  worker pid "
                f"{finder.pid if finder else '?'} finds it dead and puts "
                f"{len(death.rescued)} jobs back at the head of the queue"
            )
    console.print(
        f"[bold]{kill.at - start + result.recovery_s[number]:6.2f} s[/]  all of them run again: "
        f"recovered in {result.recovery_s[number]:.2f} s"
    )
    jobs = [job for job in timeline.jobs if job.id in kill.held]
    ends = [job.done for job in jobs if job.done]
    if not ends:
        return
    left, right = kill.at - 0.4, max(ends) + 0.2
    for job in jobs:
        index = timeline.jobs.index(job) + 1
        console.print(Text(f"  job {index:4d}  ") + _line(job, kill, left, right))
    console.print("  [dim]· waiting   █ running   ✗ killed   ● mail delivered[/]")


def _line(job: JobRecord, kill: Kill, left: float, right: float) -> Text:
    cells = [_cell(job, kill, left + (right - left) * n / _WIDTH) for n in range(_WIDTH)]

    def column(at: float) -> int:
        return min(_WIDTH - 1, max(0, round((at - left) / (right - left) * _WIDTH)))

    cells[column(kill.at)] = "✗"
    if job.done is not None and job.done <= right:
        cells[column(job.done)] = "●"
    return Text("".join(cells))


def _cell(job: JobRecord, kill: Kill, at: float) -> str:
    if at < job.enqueued or (job.done is not None and at > job.done):
        return " "
    for run in job.runs:
        ended = kill.at if run.worker == kill.worker else run.ended
        if run.began <= at and (ended is None or at <= ended):
            return "█"
    return "·"


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
