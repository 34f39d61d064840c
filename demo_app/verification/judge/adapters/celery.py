"""Celery on Redis, with late acknowledgement, as its guide advises for jobs not to be lost."""

from __future__ import annotations

from demo_app.verification.judge.adapters.celery_app import ROLE, make, play

app = make(ROLE.url)

if __name__ == "__main__":
    play(app)
