"""The broker without some of its safeguards, to show what each one prevents.

Only an app whose ``DEMO_WITHOUT`` names a safeguard of the broker uses this transport.
"""

from collections.abc import Callable
from typing import Any

from demo_app import failpoints
from demo_app.broker import transport
from demo_app.broker.claim import Claimed
from demo_app.broker.heartbeat import Step
from demo_app.broker.in_flight import InFlight
from demo_app.broker.lease import Lease
from demo_app.broker.queue import Queue
from demo_app.settings import Safeguard, settings

#: Pop a job as stock Celery does: the job leaves its queue and is recorded nowhere.
#: ARGV: worker, limit (ignored), then its lists.
_POP = """
if not is_known(ARGV[1]) then
  return redis.error_reply('LEASELOST ' .. ARGV[1] .. ' was declared dead')
end
for i = 3, #ARGV do
  local id = redis.call('RPOP', queue_key(ARGV[i]))
  if id then
    local number = redis.call('HINCRBY', COUNTERS, 'claims', 1)
    return {id, ARGV[i], tostring(number), '', redis.call('LINDEX', job_key(id), 0)}
  end
end
return {}
"""
#: Record the worker of the popped job. ARGV: worker, list, id, number.
_RECORD = """
redis.call('LPUSH', claims_key(ARGV[2], ARGV[1]), ARGV[3])
redis.call('HSET', RUNNING, ARGV[3], ARGV[4])
record(ARGV[3], 'claimed', ARGV[1])
return 1
"""


class _UncheckedLease(Lease):
    def check(self, worker: str) -> None:
        """Do nothing: a worker that was declared dead continues to run its jobs."""


class UnsafeInFlight(InFlight):
    """Jobs in flight without the safeguards that the settings leave out."""

    def __init__(self, queue: Queue, *callbacks: Any) -> None:
        super().__init__(queue, *callbacks)
        chosen = settings()
        self._pops = not chosen.has(Safeguard.ATOMIC_CLAIM)
        if self._pops:
            self.claim_script = "pop"
            self.queue.scripts.registered("pop", _POP)
            self.queue.scripts.registered("record_pop", _RECORD)
        self._rescues = chosen.has(Safeguard.RESCUE)

    def steps(self) -> dict[str, Callable[[], Step]]:
        steps = super().steps()
        return steps if self._rescues else {name: steps[name] for name in steps if name != "rescue"}

    def make_lease(self, info: dict[str, object]) -> Lease:
        kind = Lease if settings().has(Safeguard.LEASE) else _UncheckedLease
        return kind(self.queue, self.options.lease_seconds, info)

    def track(self, claimed: Claimed) -> str | None:
        """Track a claim.

        A popped job is neither queued nor claimed, so record it among the worker's claims first.
        """
        if self._pops:
            failpoints.hit(failpoints.Step.POPPED)
            claim = claimed.claim
            parts = (claim.worker, claim.list_name, claim.id, claim.number)
            self.queue.scripts.run("record_pop", *parts)
        return super().track(claimed)


class Transport(transport.Transport):
    """The broker's transport with `UnsafeInFlight`."""

    in_flight_class = UnsafeInFlight
