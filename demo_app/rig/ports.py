"""Reserved ports, which no other program can take while their server restarts."""

import random
import socket
import sys

from demo_app.rig.process import StackError

#: The ports to choose from, below the range of ephemeral ports for outgoing connections.
_RANGE = range(20_000, 32_000)
#: SystemRandom has no seed. With the default generator, parallel tests that set the same seed would
#: choose the same ports.
_chance = random.SystemRandom()
#: For each reserved port, a socket that is bound to it without listening.
_reservations: dict[int, socket.socket] = {}


def take(chosen: int, what: str) -> int:
    """Reserve a port until `release`, and return it.

    Only Linux can reserve a port. Elsewhere the port is free at the time of the call, but may be
    taken later.

    Args:
        chosen: the port; 0 takes a free one.
        what: the use of the port, for an error message.

    Raises:
        StackError: the port is in use, or no free port was found.
    """
    why = "is in use"
    for port in [chosen] if chosen else _chance.sample(_RANGE, 200):
        if port in _reservations:  # a second socket with SO_REUSEADDR could be bound to the port
            continue
        reservation = socket.socket()
        # set SO_REUSEADDR only for a chosen port: with this option, bind also succeeds on a random
        # port that another stack has reserved
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, bool(chosen))
        try:
            reservation.bind(("127.0.0.1", port))
        except OSError as error:
            reservation.close()
            if isinstance(error, PermissionError):  # such as port 80
                why = "is reserved for the administrator"
            continue
        if sys.platform == "linux":  # elsewhere the server could not listen on the same port
            reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _reservations[port] = reservation
        else:
            reservation.close()
        return port
    raise StackError(
        f"The port {chosen} for {what} {why}. Choose another one."
        if chosen
        else "No free port was found."
    )


def release(*ports: int) -> None:
    for port in ports:
        if reservation := _reservations.pop(port, None):
            reservation.close()
