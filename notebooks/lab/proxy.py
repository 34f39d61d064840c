"""The far end of the cable between two hosts.

``python proxy.py REDIS SMTP COMMAND...`` offers the two sockets as ports of the far host, and
becomes the command, which knows nothing else of the first host.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import socket
import struct
import sys
from functools import partial

from demo_app.verification.proxy import Proxy

HOST_NAME = "second-host"


def _set_up_network() -> None:
    """A new network namespace has no name, and even its loopback is down."""
    socket.sethostname(HOST_NAME)
    with socket.socket() as any_socket:
        request = struct.pack("16sh22x", b"lo", 1)  # IFF_UP
        fcntl.ioctl(any_socket, 0x8914, request)  # SIOCSIFFLAGS


def main() -> None:
    """Start the far end, and become the command."""
    paths, command = sys.argv[1:3], sys.argv[3:]
    if os.environ.pop("FAR_HOST", ""):
        _set_up_network()
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in paths]
    redis, smtp = (listener.getsockname()[1] for listener in listeners)
    command_lives, held_by_command = os.pipe()
    if os.fork() == 0:
        os.close(held_by_command)
        far = [partial(asyncio.open_unix_connection, path) for path in paths]
        Proxy(dict(zip(listeners, far, strict=True)))
        os.read(command_lives, 1)  # returns when the command is dead
        os._exit(0)
    os.set_inheritable(held_by_command, True)
    addresses = {
        "DEMO_REDIS_URL": f"redis://127.0.0.1:{redis}/0",
        "DEMO_SMTP_URL": f"smtp://127.0.0.1:{smtp}",
    }
    os.execvpe(command[0], command, {**os.environ, **addresses})


if __name__ == "__main__":
    main()
