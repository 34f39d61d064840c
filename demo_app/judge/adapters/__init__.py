"""Adapters for existing queues: functions that run the role of this process with a queue.

If the role has jobs to enqueue (a producer), the adapter returns a function that enqueues one job.
Otherwise (a worker) the adapter runs the queue's jobs. By default each queue has the settings that
its documentation recommends for jobs that must not be lost.
"""
