"""What the checks of several promises have in common."""

from __future__ import annotations

from collections.abc import Callable


class Broken(AssertionError):
    """A promise was not kept; says what was promised, and what happened."""


def expect(fine: object, otherwise: str) -> None:
    """Raises Broken with the text `otherwise` unless it is fine."""
    if not fine:
        raise Broken(otherwise)


def refused(kind: type[Exception], word: str, act: Callable[[], object]) -> None:
    """Expect that this raises that exception, whose text has that word."""
    try:
        act()
    except Broken:
        raise
    except Exception as error:
        expect(type(error) is kind, f"the refusal is a {type(error).__name__}: {error}")
        expect(word in str(error), f"the refusal does not say {word!r}: {error}")
    else:
        raise Broken("what is not supported was taken without an error")
