"""pytest fixtures for mail tests."""
