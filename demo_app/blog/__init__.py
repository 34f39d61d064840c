"""The blog: posts, comments, and the outbox, which keeps the jobs of comments."""
