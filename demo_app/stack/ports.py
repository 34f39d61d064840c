"""Free ports that stay free while their server is dead and started again."""

from __future__ import annotations

import random
import socket
import sys

from demo_app.stack.options import StackError

#: Below the range from which systems take ports for outgoing connections.
_RANGE = range(20_000, 32_000)
#: Not the generator that tests may have seeded: two that run side by side would choose alike.
_chance = random.SystemRandom()
#: Signs that tell other supervisors which ports are ours; gone when this process ends.
_claimed: dict[int, socket.socket] = {}


def take(wanted: int, what: str) -> int:
    """The wanted port, or a free one for 0, which is ours until `release`.

    Raises StackError when the wanted one is in use.
    """
    if wanted:
        if not _is_free(wanted):
            raise StackError(f"The port {wanted}, wanted for {what}, is in use.")
        return wanted
    for _ in range(200):
        port = _chance.choice(_RANGE)
        if _is_free(port) and _claim(port):
            return port
    raise StackError("No free port was found.")


def _claim(port: int) -> bool:
    """Whether no other stack has chosen it at the same time (Linux: unix(7), abstract)."""
    if sys.platform != "linux":
        return True
    sign = socket.socket(socket.AF_UNIX)
    try:
        sign.bind(f"\0demo-app-port-{port}")
    except OSError:
        sign.close()
        return False
    _claimed[port] = sign
    return True


def release(*ports: int) -> None:
    """Let go of ports that `take` chose; others are passed over."""
    for port in ports:
        sign = _claimed.pop(port, None)
        if sign is not None:
            sign.close()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
