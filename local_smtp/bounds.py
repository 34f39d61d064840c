"""The limits of all input and output, in one place."""

MIB = 1024 * 1024

# SMTP
#: Maximum bytes of a command line (RFC 5321 §4.5.3.1.4 requires 512, and more for extensions).
COMMAND_BYTES = 2048
#: Maximum characters of an address: 64 before the @ and 255 after it (RFC 5321 §4.5.3.1).
ADDRESS_CHARACTERS = 320
#: Maximum recipients of a mail: the lowest limit that RFC 5321 §4.5.3.1.8 allows.
RECIPIENTS = 100
#: Maximum bytes of a mail, announced with the SIZE extension (RFC 1870).
MAIL_BYTES = 5 * MIB
#: Maximum bytes of a session's read buffer.
BUFFER_BYTES = 16 * 1024
#: Seconds within which an SMTP client must send the next command, or the whole mail.
SMTP_SECONDS = 300.0
#: Maximum characters of a mail's recorded dialogue. Each line counts as its length plus 40.
DIALOGUE_CHARACTERS = 16 * 1024

# Header fields and parts
#: Bytes at the start of a mail in which its key headers (see `KeyHeaders`) are searched.
HEAD_BYTES = 64 * 1024
#: Maximum characters of a header field that are decoded, since decoding takes quadratic time.
FIELD_CHARACTERS = 2048
#: Maximum number of a mail's header fields that are shown.
FIELDS = 1000
#: Maximum number of a mail's MIME parts that are shown; the source has all (see `parts.TOO_MANY`).
PARTS = 500
#: Maximum characters of a mail's text, or of its source, that a page shows.
TEXT_CHARACTERS = 100_000
#: Maximum characters of a mail's HTML that are shown.
HTML_CHARACTERS = 2 * MIB
#: Maximum number of a mail's links that are listed.
LINKS = 200
#: Maximum number of a mail's deliveries that are shown: the latest ones.
DELIVERIES = 100

# HTTP
#: Maximum number of connected HTTP clients. One more client gets the status 503.
CONNECTIONS = 400
#: Maximum number of a listener's unsent events. A listener with more is disconnected.
LISTENER_BACKLOG = 1000
#: Maximum number of fault rules.
RULES = 100
