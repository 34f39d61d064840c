"""Queues that people use, as they are: a function each, which plays a role.

To a producer it gives the function that puts a job in; a worker works in it without end. Each queue
has the settings that its own documentation recommends for jobs that must not be lost.
"""
