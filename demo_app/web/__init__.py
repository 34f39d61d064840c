"""The web app: the blog that readers see, and what its jobs look like from outside."""
