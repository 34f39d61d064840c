"""What a comment must be."""

from __future__ import annotations

import re

from demo_app.mail.message import is_address
from demo_app.web.errors import DomainError

MAX_BODY = 10_000
MAX_AUTHOR = 200
#: The form's field that each complaint is about.
FIELD_OF = {
    "no_author": "author",
    "long_author": "author",
    "no_address": "email",
    "no_body": "body",
    "long_body": "body",
}
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


def check_comment(author: str, email: str, body: str) -> None:
    """Raises DomainError for what is no comment, or whose address the mailer would refuse."""
    if len(body) > MAX_BODY:
        raise DomainError(413, "long_body", most=f"{MAX_BODY:,}", given=f"{len(body):,}")
    if not author:
        raise DomainError(422, "no_author")
    if len(author) > MAX_AUTHOR:
        raise DomainError(422, "long_author", most=MAX_AUTHOR)
    if not body.strip():
        raise DomainError(422, "no_body")
    if not is_address(email):
        raise DomainError(422, "no_address")
    if _LONE_SURROGATE.search(author + body):
        raise DomainError(422, "surrogate")
