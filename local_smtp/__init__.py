"""A local mail sink: SMTP in, an inbox to look at, and faults on request."""
