"""The story that the project tells: comments are posted, workers die, every mail arrives."""
