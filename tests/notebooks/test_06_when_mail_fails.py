"""Lesson 06 runs, whatever is done to it, and knows right answers from wrong ones."""

from __future__ import annotations

from notebooks.misuse import lesson_test

WRONG: dict[str, list[str]] = {
    "6.1": [
        "class Counting(Counting):\n    async def handle_DATA(self, server, session, envelope):\n"
        "        self.mails += 1\n        return '250 accepted'",
    ],
    "6.2": [
        "answer = {**dict.fromkeys(answer, 'dead')}",
        "answer = {**dict.fromkeys(answer, 'again')}",
    ],
    "6.3": [
        "def answer(first, tries):\n    return [first * 2**n for n in range(tries)]",
        "def answer(first, tries):\n    return [first] * (tries - 1)",
    ],
}

test_it_runs_whatever_is_done_to_it_and_its_exercises_are_checked = lesson_test(
    "06_when_mail_fails", WRONG
)
