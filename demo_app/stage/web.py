"""The web app with the stage, as run by a stack: ``python -m demo_app.stage.web``."""

from demo_app.startup import garbage_collection_paused

with garbage_collection_paused():
    from fastapi import FastAPI

    from demo_app.settings import Settings
    from demo_app.stage.room import router as room
    from demo_app.stage.routes import router
    from demo_app.stage.sink import Sink
    from demo_app.stage.stage import Stage
    from demo_app.stage.twin import Twin
    from demo_app.web.app import add_room
    from demo_app.web.app import make_app as make_web_app
    from demo_app.web.serve import serve


def make_app(chosen: Settings) -> FastAPI:
    app = make_web_app(chosen)
    had = app.state.host
    twin = Twin(chosen, had.inbox) if chosen.twin_url else None
    round_ = chosen.dir / "stage-round"
    app.state.stage = Stage(had.comments, had.queue, had.locator, Sink(), round_, twin)
    add_room(app, "stage", "demo_app.stage", router)
    app.include_router(room)
    return app


if __name__ == "__main__":
    serve(make_app)
