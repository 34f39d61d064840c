"""Queues that people use, as they are: a module each.

`producer()` gives the function that puts a job in; `worker()` works without end; each may be a
coroutine. Each queue has the settings that its own documentation recommends for jobs that must not
be lost.
"""
