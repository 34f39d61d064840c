"""The start of the challenges: the jobs are in a Python list."""


class MyQueue:
    def __init__(self, redis):
        self.jobs = []

    def put(self, job):
        self.jobs.append(job)

    def claim(self, worker):
        return self.jobs.pop(0) if self.jobs else None

    def ack(self, worker, job):
        pass
