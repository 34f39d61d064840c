"""The broker's options in Celery's ``broker_transport_options``, in addition to kombu's."""

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Options:
    """The options of the broker.

    Attributes:
        lease_seconds: length of a lease. A worker that does not renew its lease in this time is
            dead, and its jobs go to other workers.
        heartbeat_seconds: pause between two renewals of a lease; less than lease_seconds.
        max_rescues: if more workers than this die while they run a job, the job is a poison pill.
            It gets one more try, alone in a worker; if this worker dies too, the job is dead.
        poison_pause: seconds before the last try of a poison pill.
        history_length: maximum number of stored done jobs, and of stored discarded jobs.
        history_bytes: maximum size of all stored done and discarded jobs (bytes).
        journal_length: number of entries that the journal keeps.
        wait_for_replicas: number of replicas that must have a job before the producer's call
            returns.
        global_keyprefix: prefix of every key in Redis.

    Raises:
        ValueError: a value is not a number or negative, heartbeat_seconds is 0, or lease_seconds
            is not greater than heartbeat_seconds.
    """

    lease_seconds: float = 3.0
    heartbeat_seconds: float = 0.5
    max_rescues: int = 3
    poison_pause: float = 60.0
    history_length: int = 20_000
    history_bytes: int = 100_000_000
    journal_length: int = 100_000
    wait_for_replicas: int = 0
    global_keyprefix: str = ""

    def __post_init__(self) -> None:
        numbers = {name: getattr(self, name) for name in NAMES if name != "global_keyprefix"}
        for name, value in numbers.items():
            if not isinstance(value, int | float) or value < 0:
                raise ValueError(f"{name} must be 0 or a positive number, not {value!r}")
        if not self.heartbeat_seconds:
            raise ValueError("heartbeat_seconds must be more than 0")
        if self.heartbeat_seconds >= self.lease_seconds:
            raise ValueError(
                "heartbeat_seconds must be less than lease_seconds. Otherwise a healthy worker "
                "would be declared dead between two heartbeats."
            )


#: The names of the options, as in `broker_transport_options`.
NAMES = tuple(field.name for field in fields(Options))
DEFAULTS = Options()
