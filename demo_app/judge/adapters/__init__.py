"""Queues that people use, as they are: a module each, which is a producer or a worker.

The `main` of each plays the role that is in its environment. Each has the settings that its own
documentation recommends for jobs that must not be lost.
"""
