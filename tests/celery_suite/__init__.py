"""Celery's and kombu's own integration tests, on stock Redis and on the claims transport.

``make celery-suite`` runs them.
"""
