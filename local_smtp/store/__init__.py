"""The store of the mails: one SQLite file, synced before a mail is acknowledged."""
