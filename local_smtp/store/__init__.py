"""Where mails are kept: one SQLite file, durable before a mail is acknowledged."""
