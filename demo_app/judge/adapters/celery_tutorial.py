"""A Celery app as its tutorial has it: no settings but the broker's address.

https://docs.celeryq.dev/en/stable/getting-started/first-steps-with-celery.html
"""

from celery import Celery

app = Celery("tasks")
