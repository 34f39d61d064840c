"""Lesson 05 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

INSERT = "db.execute('INSERT INTO comments (text) VALUES (?)', (text,))"
JOB = "db.execute('INSERT INTO outbox SELECT max(id) FROM comments')"
WRONG: dict[str, list[str]] = {
    "5.1": [],
    "5.2": [
        f"def post(db, text):\n    {INSERT}\n    db.commit()",
        f"def post(db, text):\n    {INSERT}\n    db.commit()\n    {JOB}\n    db.commit()",
    ],
    "5.3": [
        "answer = lab.client.mails()['messages'][0]['job_id']",
        "answer = 'Message-ID'",
    ],
    "5.4": [
        "answer = set()",
        "answer = {'lost', 'maybe sent twice'}",
    ],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "05_lost_late_or_twice", WRONG
)
