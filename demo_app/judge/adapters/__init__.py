"""Adapters for existing queues: each function runs the role of its process.

For a producer, the adapter returns a function that enqueues one job. For a worker, the adapter runs
the queue's jobs. By default each queue has the settings that
its documentation recommends for jobs that must not be lost.
"""
