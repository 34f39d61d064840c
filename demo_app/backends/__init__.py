"""Who runs the jobs: one module a backend, chosen by one setting."""
