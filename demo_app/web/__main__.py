"""Run the web app alone: ``python -m demo_app.web``."""

from demo_app.startup import nothing_is_garbage

with nothing_is_garbage():
    from demo_app.web.app import make_app
    from demo_app.web.serve import serve

if __name__ == "__main__":
    serve(make_app)
