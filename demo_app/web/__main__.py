"""Run the web app without the stage: ``python -m demo_app.web``."""

from demo_app.startup import garbage_collection_paused

with garbage_collection_paused():
    from demo_app.web.app import make_app
    from demo_app.web.serve import serve

if __name__ == "__main__":
    serve(make_app)
