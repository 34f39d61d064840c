"""How nbconvert makes slides of a lesson that it runs: the room sees code, pictures and what was
seen; the prose is in the speaker's notes."""

import re
from pathlib import Path
from typing import Any

from nbconvert.preprocessors import Preprocessor
from nbformat.v4 import new_markdown_cell
from traitlets.config import get_config

#: A part of the prose begins at a heading, and at what was seen.
PARTS = re.compile(r"^(?=##? |\*\*(?:Seen|結果):\*\*)", re.M)
LAST = ("## Key points", "## 要点")
#: Cells of a learner's own work.
NOT_SHOWN = re.compile(r'^check\("', re.M)
MINUTES = re.compile(r"\*(?:About (\d+) minutes?|約 ?(\d+) ?分)")


class Topics(Preprocessor):  # type: ignore[misc]
    """A heading begins a slide, and so do a code cell and what was seen; up to the key points."""

    def preprocess(self, notebook: Any, resources: Any) -> tuple[Any, Any]:
        """The notebook with the metadata of slides. A topic's first slide has its seconds."""
        cells, self._shown = notebook.cells, True
        notebook.cells = []
        for cell in cells:
            if cell.cell_type == "code" and not NOT_SHOWN.search(cell.source):
                self._add(notebook, cell, "slide" if self._shown else "-")
                self._shown = True
            elif cell.cell_type == "markdown":
                text = re.split(r"^### ", cell.source, maxsplit=1, flags=re.M)[0]
                for part in PARTS.split(text):
                    self._prose(notebook, part)
                    if part.startswith(LAST):
                        return notebook, resources
        return notebook, resources

    def _prose(self, notebook: Any, text: str) -> None:
        first, _, rest = text.partition("\n\n")
        if text.startswith(("# ", *LAST)):
            first, rest = text, ""
        if text.startswith(("#", "**")):
            minutes = MINUTES.search(rest) if text.startswith("#") else None
            seconds = 60 * int(minutes[1] or minutes[2]) if minutes else 0
            self._add(notebook, new_markdown_cell(first), "slide", seconds)
            self._shown = text.startswith(("# ", "**"))
            text = rest
        if text.strip():
            self._add(notebook, new_markdown_cell(text), "notes")

    def _add(self, notebook: Any, cell: Any, kind: str, seconds: int = 0) -> None:
        cell.metadata.slideshow = {"slide_type": kind, "data": {"timing": seconds}}
        notebook.cells.append(cell)


c = get_config()
c.SlidesExporter.preprocessors = [Topics]
c.SlidesExporter.template_name = "slides"
c.SlidesExporter.extra_template_basedirs = [str(Path(__file__).resolve().parents[1])]
c.SlidesExporter.language_code = "ja" if "ja" in Path.cwd().parts else "en"
c.ExecutePreprocessor.extra_arguments = ["--log-level=ERROR"]
c.ExecutePreprocessor.timeout = 300
