"""A queue in SQLite, in a file that outlives its processes; leases by the machine's own clock."""

import sqlite3
import time


def _now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class MyQueue:
    def __init__(self, redis):
        self.db = sqlite3.connect("queue.db", 10, isolation_level=None, check_same_thread=False)
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS jobs "
            "(id INTEGER PRIMARY KEY, job, worker, deaths DEFAULT 0)"
        )
        self.db.execute("CREATE TABLE IF NOT EXISTS alive (worker PRIMARY KEY, until)")

    def put(self, job):
        self.db.execute("INSERT INTO jobs (job) VALUES (?)", (job,))

    def claim(self, worker):
        held = self.db.execute("SELECT job FROM jobs WHERE worker = ?", (worker,)).fetchone()
        held = held or self.db.execute(
            "UPDATE jobs SET worker = ? WHERE id = (SELECT id FROM jobs WHERE worker IS NULL "
            "AND deaths < 4 ORDER BY id LIMIT 1) RETURNING job", (worker,)).fetchone()  # fmt: skip
        return held and held[0]

    def ack(self, worker, job):
        self.db.execute("DELETE FROM jobs WHERE worker = ?", (worker,))

    def beat(self, worker):
        self.db.execute("INSERT OR REPLACE INTO alive VALUES (?, ?)", (worker, _now() + 2))

    def rescue(self, worker):
        self.db.execute(
            "UPDATE jobs SET worker = NULL, deaths = deaths + 1 WHERE worker IS NOT NULL AND "
            "worker NOT IN (SELECT worker FROM alive WHERE until > ?)", (_now(),))  # fmt: skip

    def message_id(self, job):
        return f"<{job}@sqlite.example>"

    def where(self, job):
        found = self.db.execute("SELECT deaths FROM jobs WHERE job = ?", (job,)).fetchone()
        return found and ("the dead letters" if found[0] > 3 else "the table of jobs")
