"""Run a worker: ``python -m demo_app.worker``.

This command has the options of ``celery -A demo_app.worker worker``, and starts in three quarters
of the time, since it does not load Celery's other commands.
"""

from demo_app.startup import garbage_collection_paused

with garbage_collection_paused():
    from celery.bin.base import CLIContext
    from celery.bin.worker import worker

    from demo_app.worker import app

if __name__ == "__main__":
    context = CLIContext(app, no_color=False, workdir=None)
    worker.main(prog_name="celery worker", obj=context, auto_envvar_prefix="CELERY_WORKER")
