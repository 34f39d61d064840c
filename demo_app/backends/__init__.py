"""The backends that run the jobs: one module each, chosen by one setting."""
