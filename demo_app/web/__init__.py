"""The web app: the blog, and the pages and the API about its jobs."""
