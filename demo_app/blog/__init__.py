"""The blog: posts, comments, and the outbox that no comment's job gets lost from."""
