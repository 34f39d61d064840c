"""`Lab`: a whole running system to experiment on, started and ended with one line."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from demo_app.demo.picture import describe, draw
from demo_app.demo.run import journal_end
from demo_app.demo.timeline import Kill, Timeline
from lab import look, order, queue_lists
from lab.figures import drawn
from lab.language import say
from lab.ledger import Ledger, count
from lab.program import ManualWorker
from lab.show import Picture
from lab.system import LabError, Posted, Posts, System

#: Inches, at a width of eleven: the whole picture fits on a projector.
_LOWEST, _HIGHEST = 2.8, 6.0

__all__ = ["Lab", "LabError", "Posted"]


class Lab(System):
    """A lab as the notebooks use it. Takes the options of `demo_app.stack.Options`.

    beside: keep the lab that runs, and start this one next to it.
    Raises LabError, with nothing left running, when it can't start.
    """

    waiting = order.waiting
    started = order.started
    map = look.draw_map
    follow = look.follow
    queue_picture = queue_lists.picture
    watch = queue_lists.watch

    def post(self, comments: int = 1, readers: int = 1, **fields: Any) -> Posts:
        """Post comments, with so many readers at the same time; each waits for its answer."""

        def one(number: int) -> Posted:
            given = {"body": f"Comment {number}", **fields}
            began, at = time.perf_counter(), time.time()
            answer = self.client.comment(**given)
            took = time.perf_counter() - began
            posted = Posted(answer["comment_id"], answer["job_id"], at, took)
            self.posted.append(posted)
            return posted

        numbers = range(len(self.posted) + 1, len(self.posted) + comments + 1)
        if readers == 1:
            return Posts(map(one, numbers))
        with ThreadPoolExecutor(readers) as pool:
            return Posts(pool.map(one, numbers))

    def celery(self, *arguments: str, **environment: str) -> ManualWorker:
        """Start a Celery worker by hand, with any options and settings, beside the stack's own."""
        return ManualWorker(self, arguments, **environment)

    def ledger(self, posted: Sequence[Posted] | None = None) -> Ledger:
        """Comments posted (all, or only these), and their mails in the inbox."""
        return count(self.posted if posted is None else posted, self.client, self.kills)

    def new_page(self) -> None:
        """From here on, pictures show only what comes next."""
        self._since = journal_end(self.client)
        self._page_began = time.time()
        self.kills.clear()

    def timeline(self) -> Picture:
        """The picture of what happened: a job is a row, time goes right."""
        seen = self.seen()
        kills = [*self.kills, *self._other_deaths(seen)]
        figure, words = draw(seen, kills, title=" ", say=drawn), describe(seen, kills, say)
        figure.set_figheight(min(_HIGHEST, max(_LOWEST, 1.9 + 0.3 * len(seen.jobs))))
        if not {job.id for job in seen.jobs} <= {posted.job_id for posted in self.posted}:
            # there are other jobs than mails: nothing was delivered, and there was no comment
            figure.axes[0].set_xlabel(drawn("seconds since the first job"), fontsize=12)
            for text in figure.legends[0].get_texts():
                text.set_text(text.get_text().replace(drawn("mail delivered"), drawn("done")))
            words = words.replace(say(" delivered"), say(" done"))
        return Picture.of(figure, words + say("."))

    def _other_deaths(self, seen: Timeline) -> list[Kill]:
        """Workers that died without `kill`: at the moment of death, which is before another worker
        found out."""
        known = {kill.worker for kill in self.kills}
        return [
            Kill(self._died(death), death.pid, death.id, tuple(death.rescued))
            for death in seen.deaths
            if death.id not in known and death.pid is not None and death.pid in self.died
        ]
