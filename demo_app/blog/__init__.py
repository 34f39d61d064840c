"""The blog: posts, comments, and the outbox, from which no job of a comment is lost."""
