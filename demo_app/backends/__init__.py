"""The backends that run jobs: one module each, chosen by the setting `backend`."""
