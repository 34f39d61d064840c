"""The limits of all input and output, in one place."""

from __future__ import annotations

MIB = 1024 * 1024

# SMTP
#: Bytes of a command line (RFC 5321 §4.5.3.1.4 requires 512, and more for extensions).
COMMAND_BYTES = 2048
#: Characters of an address: 64 before the @ and 255 after it (RFC 5321 §4.5.3.1).
ADDRESS_CHARACTERS = 320
#: Recipients of a mail: the minimum of RFC 5321 §4.5.3.1.8.
RECIPIENTS = 100
#: Bytes of the largest mail, announced with the SIZE extension (RFC 1870).
MAIL_BYTES = 5 * MIB
#: Limit of a session's read buffer (bytes).
BUFFER_BYTES = 16 * 1024
#: Seconds in which an SMTP client has to send the next command, or its whole mail.
SMTP_SECONDS = 300.0
#: Characters of a mail's recorded dialogue. Each line counts as its length plus 40.
DIALOGUE_CHARACTERS = 16 * 1024

# Header fields and parts
#: Bytes at the start of a mail in which its key headers (see `KeyHeaders`) are searched.
HEAD_BYTES = 64 * 1024
#: Characters of a header field that are decoded, since decoding takes quadratic time.
FIELD_CHARACTERS = 2048
#: Header fields of a mail that are shown.
FIELDS = 1000
#: MIME parts of a mail that are shown; the source has all (see `parts.TOO_MANY`).
PARTS = 500
#: Characters of a mail's text, or of its source, that a page shows.
TEXT_CHARACTERS = 100_000
#: Characters of a mail's HTML that are shown.
HTML_CHARACTERS = 2 * MIB
#: Links of a mail that are listed.
LINKS = 200
#: Deliveries of a mail that are shown (the latest).
DELIVERIES = 100

# HTTP
#: Connected HTTP clients. One more client gets the status 503.
CONNECTIONS = 400
#: Unsent events of a listener. A listener with more is disconnected.
LISTENER_BACKLOG = 1000
#: Fault rules in force.
RULES = 100
