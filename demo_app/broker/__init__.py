"""The queue in Redis: a handful of keys, and the atomic steps that move a job between them."""
