"""Code for web servers that the mail sink, the demo and the broker's dashboard share.

`demo_app/shared` and `demo_app/broker/web/shared` are links to this folder: in the tree there is
one copy, and each distribution is built with a copy of its own. So its modules import one another
relatively.
"""
