"""The cause of each mystery (a spoiler)."""

import resource
import signal
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from demo_app.backends.celery_command import worker_command
from demo_app.broker.connection import connect
from demo_app.rig.redis_server import answers, command, socket_path
from lab.jobs import remind, work
from lab.mysteries import Case, Mystery

Happens = Callable[[Mystery], str]
#: The cases by the mystery's number.
CASES: dict[int, Case] = {}


def _case(where: str, why: str, *hints: str) -> Callable[[Happens], Happens]:
    """Register the decorated function as the cause of the next mystery; see `Case`."""

    def register(happens: Happens) -> Happens:
        CASES[len(CASES) + 1] = Case(happens, where, why, hints)
        return happens

    return register


def _comment(lab: Mystery, numbers: Iterable[int]) -> str:
    """Post a comment for each number. Return the id of job 17."""
    for number in numbers:
        lab.post(1, author=f"Reader {number}")
    return next(one.job_id for one in lab.posted if one.comment_id == 17)


def _sixteen(lab: Mystery) -> None:
    lab.post(16)
    lab.wait()


@_case(
    "dead",
    "the mail server refuses this mail",
    "Look at the picture of the queue: one job is alone in its list.",
    "`look.history(one, one.job)` ends with what the mail server said.",
)
def _refused(lab: Mystery) -> str:
    mail = {"subject": "*Reader 17 *"}
    lab.faults({"at": "reply", "do": "answer", "code": 554, "text": "no links here", "match": mail})
    job = _comment(lab, range(1, 21))
    lab.until(lambda: lab.redis.zscore("dead", job), "the end of job 17")
    return job


@_case(
    "a queue",
    "no worker takes from this queue",
    "The picture shows a worker that is alive, and does nothing. What does it wait for?",
    "`look.processes(two)` has the worker's command. `-Q` names what it takes from.",
)
def _nobody_listens(lab: Mystery) -> str:
    _sixteen(lab)
    lab.send_workers_home()
    lab.celery("-Q", "default")
    job = _comment(lab, range(17, 21))
    tidied = work.enqueue(name="tidy up")
    lab.until(lambda: lab.redis.zscore("done", tidied.id), "a job that is done")
    return job


@_case(
    "a worker",
    "its worker is paused",
    "Find the list that holds job 17, and the process that owns the list.",
    "Redis has not heard of this worker for a while. Is it dead? Ask the operating system.",
    "`look.processes(three)` says in what state it is.",
)
def _paused(lab: Mystery) -> str:
    _sixteen(lab)
    lab.slow_mail(60)
    job = _comment(lab, range(17, 21))
    lab.until(lambda: lab.client.job(job)["state"] == "running", "a worker that has job 17")
    lab.stack.kill("worker", signal.SIGSTOP)
    lab.faults()
    return job


@_case(
    "the web app's database",
    "Redis refuses to write",
    "Redis does not know job 17. Who had it before Redis?",
    "`look.outbox(four)` has it. Why is it not handed over? `look.log(four, 'web')`.",
    "Redis runs. `four.redis.info('persistence')` has an `aof_last_write_status`.",
)
def _refuses_to_write(lab: Mystery) -> str:
    _sixteen(lab)
    (pid,) = lab.stack.ready["pids"]["redis"]
    if hasattr(resource, "prlimit"):  # a limited file size acts like a full disk
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        written = "aof_last_write_status"
        lab.until(lambda: lab.redis.info("persistence")[written] == "err", "a Redis that refuses")
    else:  # macOS has no prlimit: limit the memory of Redis
        lab.redis.config_set("maxmemory", 1)
    return _comment(lab, range(17, 21))


@_case(
    "scheduled",
    "it was written by a clock that was wrong",
    "A job that is scheduled waits for its time. When is that?",
    "`five.redis.zrange('scheduled', 0, -1, withscores=True)` has it in seconds.",
    "The message says when the job was asked for, and by which machine: "
    '`five.redis.lindex(f"job:{five.job}", 0)`.',
)
def _clock(lab: Mystery) -> str:
    """Enqueue 20 jobs. The due time of job 17 comes from a clock that is a day ahead.

    Wait until the other jobs are done. Return the id of job 17.
    """
    machines = {number: ("shop-1", datetime.now(UTC)) for number in range(1, 21)}
    machines[17] = ("shop-2", datetime.now(UTC) + timedelta(days=1))
    jobs = {}
    for number, (machine, clock) in machines.items():
        due = remind.using(run_after=clock + timedelta(seconds=1))
        shown = clock.isoformat(" ", "seconds")
        jobs[number] = due.enqueue(f"{number}", "in 1 second", shown, machine).id
    lab.until(lambda: lab.client.summary()["done"] == len(jobs) - 1, "the other jobs' end")
    return jobs[17]


@_case(
    "a queue",
    "the worker asks another Redis",
    "A worker runs, says the operating system. Which workers does Redis know?",
    "Count the servers in `look.processes(six)`.",
    '`Redis(unix_socket_path="...").smembers("workers")` asks the other one. Its socket is in '
    "`look.processes(six)`, after `--unixsocket`.",
)
def _another_redis(lab: Mystery) -> str:
    _sixteen(lab)
    lab.send_workers_home()
    folder = lab.stack.plan.folder.path / "redis-2"
    folder.mkdir()
    socket = socket_path(folder)
    url = f"redis+socket://{socket}"
    server = lab.start_extra("redis", command(folder, socket))
    server.until_ready(lambda: answers(url))
    worker = lab.start_extra("worker", worker_command(), DEMO_REDIS_URL=url)
    with connect(url) as other:
        worker.until_ready(lambda: bool(other.smembers("workers")))
    return _comment(lab, range(17, 21))


def mystery(number: int) -> Mystery:
    """Start a system with a fault.

    Args:
        number: 1 (easy) to 6 (hard).

    Raises:
        ValueError: there is no mystery with this number.
    """
    if number not in CASES:
        raise ValueError(f"There is no mystery {number}. Choose 1 to {len(CASES)}.")
    return Mystery(number, CASES[number])
