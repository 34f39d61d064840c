"""The inbox over HTTP: its API and its pages."""
