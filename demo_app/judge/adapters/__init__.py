"""Adapters for existing queues: one function each, which plays a role.

For a producer it returns a function that enqueues a job; for a worker it never returns. Each queue
has the settings that its own documentation recommends for jobs that must not be lost.
"""
