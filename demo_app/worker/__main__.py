"""A worker of this project: ``python -m demo_app.worker``.

The same as ``celery -A demo_app.worker worker``, with the same options, and started in three
fourths of the time: that command first loads all others of Celery, and of each package that adds
one (Flower), to find the one that is meant.
"""

from __future__ import annotations

from demo_app.startup import garbage_collection_paused

with garbage_collection_paused():
    from celery.bin.base import CLIContext
    from celery.bin.worker import worker

    from demo_app.worker import app

if __name__ == "__main__":
    context = CLIContext(app, no_color=False, workdir=None)
    worker.main(prog_name="celery worker", obj=context, auto_envvar_prefix="CELERY_WORKER")
