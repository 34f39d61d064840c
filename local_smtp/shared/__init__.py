"""Code for web servers that the mail sink, the demo and the broker's dashboard share.

`demo_app/shared` and `demo_app/broker/web/shared` are links to this folder, and each distribution
has its own copy. So the modules import each other relatively.
"""
