"""The demo app: a blog that mails comments to a post's author, with jobs that survive crashes."""
