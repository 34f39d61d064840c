"""A wire that breaks in every way that a network has, for longer than one request."""

from __future__ import annotations

from collections.abc import Container

from demo_app.judge.proxy import Line, Proxy


class BadWire(Proxy):
    """See the module.

    loses_requests: no request arrives, and the connection on which one is made breaks.
    loses_answers: every request arrives; its answer does not, and its connection breaks.
    """

    loses_requests = loses_answers = False

    def freeze(self, ports: Container[int] | None = None) -> None:
        """Leave connections half-open: they stay, and nothing passes. New ones work.

        ports: by which the other side knows those that are meant; all that there are by default.
        """

        def freeze(line: Line) -> None:
            port = line.ends[1].get_extra_info("sockname")[1]
            line.frozen |= ports is None or port in ports

        self.for_all(freeze)

    def _may_lose(self, line: Line, request: bytes) -> None:
        if self.loses_requests:
            raise ConnectionError("the request was lost")
        super()._may_lose(line, request)
        line.losing |= self.loses_answers
