"""A local mail sink: SMTP in, an inbox to look at, and faults on request."""

__version__ = "0.1.0"
