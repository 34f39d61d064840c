"""The fixtures of the web tests: who asks the stack."""

from web.conftest import holder, reader

__all__ = ["holder", "reader"]
