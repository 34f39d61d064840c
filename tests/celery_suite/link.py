"""A network link to Redis that can break: the server's answers get lost, the line is cut."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Link:
    """Passes TCP on to the port of a server on this machine, until told otherwise."""

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.listener.getsockname()[1])
        self.swallowing = False
        self.lines: list[socket.socket] = []
        self.half_open: set[socket.socket] = set()
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        """From now on nothing that the server says arrives. It does not notice."""
        self.swallowing = True

    def freeze(self, server_side: set[int] | None = None) -> None:
        """Leave connections half-open: nothing passes any more, and neither end is told.

        server_side: the ports by which the server knows them; all that there are by default.
        """
        for client, server in zip(self.lines[::2], self.lines[1::2], strict=True):
            if server_side is None or server.getsockname()[1] in server_side:
                self.half_open |= {client, server}

    def cut(self) -> None:
        """End every connection; those made from now on work."""
        self.swallowing = False
        lines, self.lines = self.lines, []
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def close(self) -> None:
        """End every connection, and take no more."""
        self.listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.server_port))
            except OSError:
                client.close()
                continue
            self.lines += [client, server]
            for source, target, answers in ((client, server, False), (server, client, True)):
                passing = threading.Thread(target=self._pass_on, args=(source, target, answers))
                passing.daemon = True
                passing.start()

    def _pass_on(self, source: socket.socket, target: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not (answers and self.swallowing) and source not in self.half_open:
                    target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
