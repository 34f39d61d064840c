"""The demo: comments are posted, workers are killed, and every mail arrives."""
