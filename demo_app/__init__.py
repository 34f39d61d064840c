"""The demo app: a blog that mails each comment to the post's author, with jobs that survive."""
