"""The outbox: a table that keeps each job until it is done.

The row is written in the same transaction as the comment. So both are stored, or neither is, even
if Redis is down. A relay hands the rows over: it enqueues their jobs in the order of the rows, and
deletes each row when its job is done. A job that the queue has lost is enqueued again with the same
id; a queue that knows the id ignores the job.
"""

import json
from dataclasses import dataclass

from demo_app.blog.database import Connection, Database
from demo_app.jobs.job import Job


def add(transaction: Connection, job: Job) -> None:
    record = json.dumps(job.as_record())
    transaction.execute("INSERT INTO outbox (job_id, job) VALUES (?, ?)", (job.id, record))


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the outbox.

    Attributes:
        job: None if this version of the app cannot read it, for example after a rollback to an
            older version.
        problem: the reason why the job can't be read; "" if it can.
    """

    row: int
    job: Job | None
    problem: str = ""


def pending(database: Database, after: int = 0, limit: int = 500) -> list[Entry]:
    """Return up to `limit` rows with a number above `after`, the lowest first."""
    sql = "SELECT id, job_id, job FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
    return [_entry(*row) for row in database.read(sql, after, limit)]


def _entry(row: int, job_id: str, record: str) -> Entry:
    try:
        return Entry(row, Job.from_record(json.loads(record)))
    except ValueError as error:
        return Entry(row, None, f"the job {job_id} can't be read: {error}")


def handed_over(
    database: Database, after: int, up_to: int, limit: int = 500
) -> list[tuple[int, str]]:
    """Return up to `limit` pairs (row, job id) with `after` < row <= `up_to`, in order."""
    sql = "SELECT id, job_id FROM outbox WHERE id > ? AND id <= ? ORDER BY id LIMIT ?"
    return list(database.read(sql, after, up_to, limit))


def remove(database: Database, rows: list[int]) -> None:
    with database.transaction() as transaction:
        transaction.executemany("DELETE FROM outbox WHERE id = ?", [(row,) for row in rows])


def rows_by_job_id(database: Database, job_ids: list[str]) -> dict[str, int]:
    """Return the row number of each given job that is still in the outbox, by job id."""
    marks = ", ".join("?" * len(job_ids)) or "NULL"
    sql = f"SELECT job_id, id FROM outbox WHERE job_id IN ({marks})"
    return dict(database.read(sql, *job_ids))


def size(database: Database, after: int = 0) -> int:
    """Return the count of rows with a number above `after`."""
    sql = "SELECT count(*) FROM outbox WHERE id > ?"
    return int(database.read(sql, after).fetchone()[0])
