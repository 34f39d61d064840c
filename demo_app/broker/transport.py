"""Kombu's Redis transport with channels that claim jobs instead of popping them.

This module overrides private methods of kombu 5.6 and 5.7. If a new kombu changes such a method, a
test fails and names the method.
"""

from time import sleep
from typing import Any, ClassVar

import redis
from celery.worker import state
from kombu.transport import redis as kombu_redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from . import process
from .channel import MAY_END_WAIT, OVERDUE_CHECK, Channel
from .connection import scheme_of
from .in_flight import PAUSE, InFlight
from .keys import STEPS


class SentinelChannel(Channel, kombu_redis.SentinelChannel):  # type: ignore[misc]
    """A channel that finds Redis' primary through Sentinel (option ``master_name``)."""

    #: Without retries: if a Sentinel does not answer, the client tries the next Sentinel at once.
    sentinel_kwargs: ClassVar[dict[str, Any]] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": Channel.socket_timeout,
        "socket_connect_timeout": Channel.socket_timeout,
    }


class Transport(kombu_redis.Transport):  # type: ignore[misc]
    """Kombu's Redis transport with channels that claim jobs."""

    Channel = Channel
    SentinelChannel = SentinelChannel
    #: The class for jobs in flight; an experiment may replace it.
    in_flight_class: type[InFlight] = InFlight
    implements = kombu_redis.Transport.implements.extend(batch_publish=False)
    driver_name = "claims+redis"
    #: Longest wait for a job (seconds). It is shorter with kombu 5.6, which can't end a wait early.
    brpop_timeout = 5 if MAY_END_WAIT else 1

    def __init__(self, client: Any, **options: Any) -> None:
        if list(client.transport_options.get("priority_steps") or STEPS) != list(STEPS):
            steps = ", ".join(map(str, STEPS))
            raise ValueError(f"The claims broker has fixed priority_steps ({steps}): unset it.")
        if scheme_of(client.hostname) == "sentinel":
            self.Channel, self.default_port = self.SentinelChannel, 26379
            urls = client.alt or [""]
            client.alt = [url and f"sentinel://{url.rpartition('//')[2]}" for url in urls]
            client.cycle = None  # do not change to the next URL: Sentinel knows the primary
        super().__init__(client, **options)

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Register the connections with the worker's event loop, which reads and checks them.

        Only the connection that waits for jobs is checked more often than in kombu. The connection
        for control messages is checked as often as in kombu, which closes it after two checks
        without a reply. If these checks were frequent, a busy machine would often lose messages.
        """
        super().register_with_event_loop(connection, loop)
        if MAY_END_WAIT and "health_check_interval" not in connection.client.transport_options:
            self.cycle._brpop_health_tref.cancel()
            check = self.cycle.maybe_check_brpop_health
            self.cycle._brpop_health_tref = loop.call_repeatedly(OVERDUE_CHECK, check)

    def establish_connection(self) -> Any:
        """Connect. A worker waits until Redis answers, unless it has another address to try.

        Without this wait, Celery would back off between its tries, up to 30 s.
        """
        working = [one for one in process.in_flight_here() if one.working and not one.closing]
        while working and self.client.cycle is None:
            try:
                working[0].queue.client.ping()
                break
            except redis.exceptions.RedisError:
                state.maybe_shutdown()  # a SIGTERM ends the wait
                sleep(PAUSE)
        return super().establish_connection()
