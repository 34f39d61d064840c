"""The names of the keys in Redis.

===========================  =======================================================================
``queue:<list>``             list of job ids; the head, which runs next, is at the right end
``job:<id>``                 list: first the message as its producer sent it (without its arguments
                             after the job is done or discarded), then every event
``claims:<list>:<worker>``   list of the ids that one worker has claimed
``worker:<worker>``          facts about a worker; the key expires when its lease runs out
``workers``                  set of workers
``leases``                   hash: worker to the length of its lease (milliseconds)
``paused``                   set: names of the paused workers, and ``queue:<list>`` for each paused
                             list
``paused:<worker>``          exists for a week after a paused worker was declared dead
``lists``                    set of the lists of jobs
``transient``                set of the lists of messages that are not jobs
``suspects``                 hash: worker to the time of the check that found its lease expired
``replicated``               written before a producer waits for replicas
``look``                     exists for half a heartbeat after a check for dead workers
``waiting:<worker>``         set of the ids of claimed jobs that the worker has not begun
``deaths``                   hash: job id to the workers that died while they ran the job;
                             ``~<job id>`` to the number of times that its worker lost the lease
                             but was still alive
``running``                  hash: id of a running job to the number of its claim
``successor:<id>``           the next try that a running job has published
``scheduled``, ``retrying``  sorted sets of ids, by the time at which the jobs are due
``waits:<service>``          sorted set of ids of jobs that wait until the service works, by the
                             time at which the wait began
``dead``, ``done``,
``discarded``                sorted sets of ids, by the time at which the jobs ended
``kept``                     set of ids of jobs that are kept until an outbox has read their end
``counters``                 hash: jobs enqueued, done, discarded so far; late acknowledgements;
                             claims; bytes of the ended jobs
``journal``                  capped stream of every change
``wake:<list>``              list of tokens; each wakes one worker that waits for a job of the list
``resume:<worker>``          list with a token for a worker that was paused or resumed
``server``                   hash: the present run of Redis, its start, jumps of its clock, and
                             its refused writes
===========================  =======================================================================

``<list>`` names a list of jobs. A queue has five of them, for jobs of different priority.
"""

from dataclasses import dataclass
from functools import lru_cache

#: Celery's priorities on Redis are 0 (first) to 9, in four steps that begin with these priorities.
STEPS = (0, 3, 6, 9)
#: Suffixes of lists, the most urgent first: the job layer's high priority, and one for each step.
_SUFFIXES = (":high", "", ":3", ":6", ":low")
#: Maximum number of queues that one worker consumes. A claim passes the five lists of each queue to
#: Lua's `unpack`, which returns at most some 8,000 values.
MAX_QUEUES = 1500
#: The suffix that replaces "" if the name of a queue itself ends with one of the suffixes.
#: Without it, the queue `orders:3` would share the list `orders:3` with the queue `orders`.
_PLAIN = ":-"
_ENDS = (*filter(None, _SUFFIXES), _PLAIN)


def _list(queue: str, suffix: str) -> str:
    if not suffix and queue.endswith(_ENDS):
        suffix = _PLAIN
    return f"{queue}{suffix}"


@lru_cache
def lists_of(*queues: str) -> tuple[str, ...]:
    """Return all lists of these queues: first the most urgent list of each queue, and so on."""
    return tuple(_list(queue, suffix) for suffix in _SUFFIXES for queue in queues)


def list_of(queue: str, priority: int) -> str:
    """Return the list for Celery's priority on Redis: 0 runs first, 9 last.

    Source: Celery's manual, "Using Redis", "Message Priorities".
    """
    return _list(queue, _SUFFIXES[1 + min(max(priority, 0), 9) // 3])


@lru_cache
def class_list_of(queue: str, priority: int) -> str:
    """Return the list for the job layer's priority: higher runs first, 0 is normal."""
    return _list(queue, ":high" if priority > 0 else ":low" if priority < 0 else "")


@lru_cache
def queue_of(list_name: str) -> str:
    ends = (end for end in _ENDS if list_name.endswith(end))
    return list_name.removesuffix(next(ends, ""))


def urgency(list_name: str) -> tuple[int, str]:
    """Return a sort key: the most urgent lists first, then by the queue's name."""
    queue = queue_of(list_name)
    lists = lists_of(queue)
    # another program's message may name a list that no queue has, such as "a:-"
    return lists.index(list_name) if list_name in lists else len(lists), queue


@dataclass(frozen=True, slots=True)
class Keys:
    """A builder of keys with a prefix (Celery's ``global_keyprefix``)."""

    prefix: str = ""

    def __call__(self, *parts: object) -> str:
        return self.prefix + ":".join(map(str, parts))
