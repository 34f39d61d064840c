"""A queue without a script: each change of two lists is a transaction of WATCH and MULTI."""

import uuid

import redis


class MyQueue:
    def __init__(self, client):
        self.redis = client

    def put(self, job):
        number = uuid.uuid4().hex
        with self.redis.pipeline() as both:
            both.set(f"text:{number}", job)
            both.lpush("queue", number)
            both.execute()

    def claim(self, worker):
        with self.redis.pipeline() as step:
            try:
                step.watch("queue", f"mine:{worker}")
                number = step.get(f"mine:{worker}")
                if number is None:
                    number = step.lindex("queue", -1)
                    if number is None:
                        return None
                    step.multi()
                    step.rpop("queue")
                    step.set(f"mine:{worker}", number)
                    step.execute()
            except redis.WatchError:
                return None
        return self.redis.get(f"text:{number}")

    def ack(self, worker, job):
        number = self.redis.getdel(f"mine:{worker}")
        if number is not None:
            self.redis.delete(f"text:{number}")

    def beat(self, worker):
        self.redis.set(f"alive:{worker}", 1, ex=2)

    def rescue(self, worker):
        for mine in self.redis.scan_iter("mine:*"):
            alive = mine.replace("mine:", "alive:")
            with self.redis.pipeline() as step:
                try:
                    step.watch(mine, alive)
                    number = step.get(mine)
                    if number is None or step.exists(alive):
                        continue
                    deaths = int(step.hget("deaths", number) or 0)
                    step.multi()
                    step.delete(mine)
                    step.hincrby("deaths", number, 1)
                    step.rpush("queue" if deaths < 3 else "dead", number)
                    step.execute()
                except redis.WatchError:
                    continue

    def message_id(self, job):
        return f"<{job}@watch.example>"
