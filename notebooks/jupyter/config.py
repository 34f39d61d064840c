"""The settings of JupyterLab for the lessons: no questions and no downloads.

JupyterLab opens the first lesson, in Japanese if the language of the terminal is Japanese.
"""

import os
from pathlib import Path

from traitlets.config import get_config

_HERE = Path(__file__).resolve().parent
os.environ["PYTHONSTARTUP"] = str(_HERE / "startup.py")  # for every kernel

_LANGUAGE = next(filter(None, map(os.environ.get, ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
_FOLDER = "ja/" if _LANGUAGE.startswith("ja") else ""

c = get_config()
c.LabApp.default_url = f"/lab/tree/{_FOLDER}00_start_here.ipynb"
# overrides.json in this folder turns off news and checks for updates, and shows file names in full
c.LabApp.app_settings_dir = str(_HERE)
c.ServerApp.allow_root = os.geteuid() == 0  # containers run as root
#: Folders that are hidden in the list of files: a learner does not need them.
_TOOLS = ["book", "jupyter", "lab", "playground", "solutions"]
c.ContentsManager.hide_globs = [*_TOOLS, "__pycache__", "*.pyc", "*.new"]
