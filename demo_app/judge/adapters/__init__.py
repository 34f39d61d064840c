"""Adapters for existing queues. An adapter is a function that runs a producer or a worker.

For a producer, the adapter returns a function that enqueues one job. For a worker, the adapter runs
the queue's jobs. By default, each queue is set up against loss, as the queue's documentation
describes.
"""
