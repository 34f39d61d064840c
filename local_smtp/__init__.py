"""A local mail sink: an SMTP server, an inbox in the browser, and faults on request."""

__version__ = "0.1.0"
