"""The fixtures of the web tests: a stack for each module, and who asks it."""

from web.conftest import client, holder, reader, stack

__all__ = ["client", "holder", "reader", "stack"]
