"""What the broker asks of the program that runs the jobs that it has claimed."""

from __future__ import annotations


class Consumer:
    """One that can tell nothing, as any consumer of kombu; `worker` has Celery's."""

    def waiting_tags(self) -> set[str]:
        """The delivery tags of what it has received and not begun."""
        return set()

    def given_up(self, message: str) -> None:
        """Is told the message of each job that was given up, for it kept killing its workers."""
