"""The transport: kombu's for Redis, with channels that claim jobs instead of popping them.

It overrides private methods of kombu 5.6 and 5.7: a canary test names what moved when kombu moves.
"""

from __future__ import annotations

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

#: Seconds that one wait for a job lasts. It ends at once when there is one; with kombu 5.6 nothing
#: else ends it, and so it is short.
WAIT = 5 if MAY_END_WAIT else 1


class SentinelChannel(Channel, kombu_redis.SentinelChannel):  # type: ignore[misc]
    """The same, with Redis' primary found through Sentinel (option ``master_name``)."""

    #: How a Sentinel is asked: when it is away the next one is asked, and it is not asked again.
    sentinel_kwargs: ClassVar[dict[str, Any]] = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": Channel.socket_timeout,
        "socket_connect_timeout": Channel.socket_timeout,
    }


class Transport(kombu_redis.Transport):  # type: ignore[misc]
    """Kombu's Redis transport with the channel above."""

    Channel = Channel
    SentinelChannel = SentinelChannel
    #: What its channels have in flight; an experiment may have another.
    in_flight_class: type[InFlight] = InFlight
    implements = kombu_redis.Transport.implements.extend(batch_publish=False)
    driver_name = "claims+redis"
    brpop_timeout = WAIT

    def __init__(self, client: Any, **options: Any) -> None:
        if list(client.transport_options.get("priority_steps") or STEPS) != list(STEPS):
            told = ", ".join(map(str, STEPS))
            raise ValueError(f"the claims broker has fixed steps of priority, {told}")
        if scheme_of(client.hostname) == "sentinel":
            self.Channel, self.default_port = self.SentinelChannel, 26379
            urls = client.alt or [""]
            client.alt = [url and f"sentinel://{url.rpartition('//')[2]}" for url in urls]
            client.cycle = None  # Sentinel says where to go, not the list of URLs
        super().__init__(client, **options)

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Let the worker's loop read what arrives and check the connections.

        Only the wait for jobs is checked more often than kombu does it. The connection for control
        messages is dropped after two checks without an answer, which a busy machine may not give
        in a few seconds, and messages are lost until it is open again.
        """
        super().register_with_event_loop(connection, loop)
        if MAY_END_WAIT and "health_check_interval" not in connection.client.transport_options:
            self.cycle._brpop_health_tref.cancel()
            self.cycle._brpop_health_tref = loop.call_repeatedly(
                OVERDUE_CHECK, self.cycle.maybe_check_brpop_health
            )

    def establish_connection(self) -> Any:
        """Connect; a worker waits here until Redis answers, unless it has another address to try.

        Celery would wait between its tries, two seconds, then four, and so on up to thirty.
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
