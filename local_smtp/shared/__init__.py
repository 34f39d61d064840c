"""Code for web servers that the mail sink and the project's web app share.

`demo_app/shared` is a link to this folder: in the tree there is one copy, and each distribution is
built with a copy of its own. So its modules import one another relatively.
"""
