"""This project's broker, in any Celery app."""

from __future__ import annotations

import demo_app.broker  # noqa: F401  # makes the address known
from demo_app.verification.judge.adapters.celery_app import ROLE, make, play

app = make("claims+" + ROLE.url)

if __name__ == "__main__":
    play(app)
