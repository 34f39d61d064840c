"""Every bound on what strangers may send, and on what an answer may cost, in one place.

Most are per client; those on connections, listeners and bytes hold for all clients together, so
that the sink fits into 1,024 descriptors and needs at most 100 MB more under attack than idle.
"""

from __future__ import annotations

MIB = 1024 * 1024

# Both doors
#: Clients connected at once, to SMTP and to HTTP each.
CONNECTIONS = 400
#: Clients that the system lets wait for each door to open.
BACKLOG = 1024

# SMTP
#: Bytes of a command line (RFC 5321 §4.5.3.1.4 asks for 512 and more for extensions).
COMMAND_BYTES = 2048
#: Characters of an address: 64 before the @ and 255 behind it (RFC 5321 §4.5.3.1).
ADDRESS_CHARACTERS = 320
#: Recipients of a mail: what RFC 5321 §4.5.3.1.8 asks every server to take.
RECIPIENTS = 100
#: Bytes of the largest mail, announced with the SIZE extension (RFC 1870).
MAIL_BYTES = 5 * MIB
#: Bytes of a mail that is received whatever other clients do.
SMALL_MAIL_BYTES = 64 * 1024
#: Bytes of all larger mails that are being received; one that is over it is to come again.
LARGE_MAILS_BYTES = 3 * MAIL_BYTES
#: Bytes of all mails whose content is kept on the disk; beyond, the oldest lose theirs.
KEPT_BYTES = 1024 * MIB
#: Seconds in which a mail has to be sent.
MAIL_SECONDS = 60.0
#: Bytes that an SMTP client can send ahead; the system adds its own.
BUFFER_BYTES = 16 * 1024
#: Seconds in which an SMTP client has to say something, or to read an answer.
SMTP_SECONDS = 300.0
#: Commands that make no sense, after which a client is sent away.
SMTP_ERRORS = 20
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
#: Clients that wait for a mail to be taken apart; one more is answered with 503.
READERS = 4
#: Seconds of computing in which a mail has to be taken apart.
READING_SECONDS = 0.7
#: Bytes of memory in which a mail has to be taken apart.
READING_BYTES = 48 * MIB

# HTTP
#: Bytes of a request line with all its headers; more is answered with 431.
REQUEST_HEAD_BYTES = 16 * 1024
#: Header fields of a request, and requests that a client may send ahead of their answers; more is
#: answered with 400.
REQUEST_FIELDS, REQUESTS_AHEAD = 100, 16
#: Bytes of all requests that are not complete yet.
HELD_BYTES = 32 * MIB
#: Bytes of a request's body; more is answered with 413.
REQUEST_BODY_BYTES = 256 * 1024
#: Percent signs in a form's body: 10,000 characters of four bytes, and what else a comment has.
REQUEST_ESCAPES = 45_000
#: Seconds in which a request has to be complete; later it is cut off.
REQUEST_SECONDS = 20.0
#: Clients that follow events at once; one more is answered with 503.
LISTENERS = 100
#: Events that a listener may be behind before it is cut off.
LISTENER_BACKLOG = 1000
#: Fault rules in force at once.
RULES = 100
