"""Adapters for existing queues: one function each, which plays a role.

In a producer the adapter returns a function that enqueues a job; in a worker it runs the jobs. Each
queue has the settings that its own documentation recommends for jobs that must not be lost.
"""
