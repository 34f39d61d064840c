"""The demo app: a blog whose comments send mail through jobs that survive."""
