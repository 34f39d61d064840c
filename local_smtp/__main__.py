"""Runs the mail sink: `python -m local_smtp --help`."""

import sys

from local_smtp.cli import main

if __name__ == "__main__":
    sys.exit(main())
