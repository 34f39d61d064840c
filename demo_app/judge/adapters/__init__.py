"""Queues that people use, as they are: one function each, which plays a role.

To a producer it returns the function that puts a job in; as a worker it never returns. Each queue
has the settings that its own documentation recommends for jobs that must not be lost.
"""
