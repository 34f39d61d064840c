"""``python -m demo_app``: start the stack, see the story, check this machine."""

from demo_app.commands import main

if __name__ == "__main__":
    raise SystemExit(main())
