"""How many bytes of mails may be in memory while they are received."""

from collections.abc import Iterator
from contextlib import contextmanager

from local_smtp.bounds import LARGE_MAILS_BYTES, MAIL_BYTES, SMALL_MAIL_BYTES


class Share:
    """What one mail has taken of the bytes that all large mails may take."""

    def __init__(self, budget: "Budget") -> None:
        self._budget = budget
        self.taken = 0
        self.too_large = False
        """Whether the mail alone is too large, whatever the others do."""

    def take(self, size: int) -> bool:
        """Say that the mail has `size` bytes by now; return whether it may have them."""
        self.too_large = self.too_large or size > MAIL_BYTES
        more = max(0, size - SMALL_MAIL_BYTES - self.taken)
        fits = not self.too_large and self._budget.left >= more
        if fits:
            self._budget.left -= more
            self.taken += more
        return fits


class Budget:
    """The bytes of all large mails that are being received by a server."""

    def __init__(self) -> None:
        self.left = LARGE_MAILS_BYTES

    @contextmanager
    def share(self) -> Iterator[Share]:
        """Have a part of it for one mail, and give it back."""
        share = Share(self)
        try:
            yield share
        finally:
            self.left += share.taken
