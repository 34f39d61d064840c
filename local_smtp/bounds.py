"""Every bound on what a client may send, and on the size of an answer, in one place."""

from __future__ import annotations

MIB = 1024 * 1024

# SMTP
#: Bytes of a command line (RFC 5321 §4.5.3.1.4 asks for 512 and more for extensions).
COMMAND_BYTES = 2048
#: Characters of an address: 64 before the @ and 255 behind it (RFC 5321 §4.5.3.1).
ADDRESS_CHARACTERS = 320
#: Recipients of a mail: what RFC 5321 §4.5.3.1.8 asks every server to take.
RECIPIENTS = 100
#: Bytes of the largest mail, announced with the SIZE extension (RFC 1870).
MAIL_BYTES = 5 * MIB
#: Bytes of a mail that are read at once.
BUFFER_BYTES = 16 * 1024
#: Seconds in which an SMTP client has to send the next command, or its whole mail.
SMTP_SECONDS = 300.0
#: Characters of what was said about a mail that are kept with it; a line counts for 40 more.
DIALOGUE_CHARACTERS = 16 * 1024

# Header fields and parts
#: Bytes of a mail in which Subject, From and Message-ID are looked for.
HEAD_BYTES = 64 * 1024
#: Characters of a header field that are decoded: it takes quadratic time.
FIELD_CHARACTERS = 2048
#: Header fields shown.
FIELDS = 1000
#: Parts of a mail that are looked at.
PARTS = 500
#: Characters of a mail's text, or of its source, that a page shows.
TEXT_CHARACTERS = 100_000
#: Characters of a mail's HTML that are shown.
HTML_CHARACTERS = 2 * MIB
#: Links of a mail that are listed.
LINKS = 200
#: The latest times that a mail was brought which are shown with it.
DELIVERIES = 100

# HTTP
#: Clients connected at once; one more is answered with 503.
CONNECTIONS = 400
#: Events that a listener may be behind before it is cut off.
LISTENER_BACKLOG = 1000
#: Fault rules in force at once.
RULES = 100
