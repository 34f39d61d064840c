"""Free ports that stay free while their server is dead and started again."""

from __future__ import annotations

import random
import socket
import sys

from demo_app.rig.process import StackError

#: Below the range from which systems take ports for outgoing connections.
_RANGE = range(20_000, 32_000)
#: Not the generator that tests may have seeded: two that run side by side would choose alike.
_chance = random.SystemRandom()
#: A socket at each port that is ours, which listens to nobody; gone when this process ends.
_signs: dict[int, socket.socket] = {}


def take(wanted: int, what: str) -> int:
    """The wanted port, or a free one for 0, which is ours until `release`.

    Raises StackError when the wanted one is in use.
    """
    for port in [wanted] if wanted else _chance.sample(_RANGE, 200):
        sign = socket.socket()
        # only for one that was wanted: of what is free, another stack may be about to use it
        sign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, bool(wanted))
        try:
            sign.bind(("127.0.0.1", port))
        except OSError:
            sign.close()
            continue
        if sys.platform == "linux":  # elsewhere its server could not listen beside the sign
            sign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            _signs[port] = sign
        else:
            sign.close()
        return port
    raise StackError(
        f"The port {wanted}, wanted for {what}, is in use." if wanted else "No free port was found."
    )


def release(*ports: int) -> None:
    """Let go of ports that `take` gave; others are passed over."""
    for port in ports:
        if sign := _signs.pop(port, None):
            sign.close()
