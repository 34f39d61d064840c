"""Celery's and kombu's own integration tests, on stock Redis and on the claims transport.

Run it with ``make celery-suite``.
"""
