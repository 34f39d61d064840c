"""The settings of Sphinx for the site. MyST-NB runs each lesson and keeps its outputs."""

import gettext
import os
import re
import sys
from html import escape
from itertools import pairwise
from os.path import relpath
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import nbformat
import sphinx.locale
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.search.en import SearchEnglish

from demo_app.settings import Settings
from demo_app.web.app import make_app

sys.path.insert(0, str(Path(__file__).parents[1]))
from lab.checks import solved

#: The parts of the site, and the patterns of their pages.
PARTS = {
    "Lessons": "notebooks/[0-9]*.ipynb notebooks/words.md",
    "レッスン": "notebooks/ja/README.md notebooks/ja/[0-9]*.ipynb notebooks/ja/words.md "
    "notebooks/ja/challenges/*.ipynb notebooks/ja/reference/*.md",
    "Answers": " ".join(
        f"notebooks/reference/answers/{page}.md"
        for page in ("lost", "twice", "late", "settings", "queues")
    ),
    "Challenges": "notebooks/challenges/*.ipynb",
    "Reference": "notebooks/reference/faq.md notebooks/reference/*.md notebooks/book/api.md",
    "Taking part": ".github/*.md",
}
PAGES = ["README.md", *" ".join(PARTS.values()).split()]
CODE = {".py": "python", ".lua": "lua", ".toml": "toml"}
#: Matches a link to a file or folder of the tree, or the numbers of lessons in a text.
LINK = re.compile(
    r"\[[^]]*]\((?!https?:)([^)#\s]+)"
    r"|((?:\b[Ll]essons? |レッスン ?)\d\d(?:(?:,| and|、| ?と) ?\d\d\b)*)"
)
#: Matches a link to the playground, which is the site's first page. The part after # is a schedule.
PLAYGROUND = re.compile(r"\[([^]]*)]\((?:[^)\s]*/)?playground((?:#[^)]*)?)\)")
#: The front matter of a page outside every table of contents: only links lead to the page.
_ORPHAN = "---\norphan: true\n---\n"
#: The metadata of a page for search engines.
_META = """<meta name="description" content="{}">
<meta property="og:image" content="{}_images/timeline.png">
"""
JAPANESE = gettext.translation("sphinx", Path(sphinx.locale.__file__).parent, ["ja"])

project = html_title = "Jobs that survive"
root_doc = "README"
source_suffix = dict.fromkeys([".md", ".ipynb", *CODE], "myst-nb")
exclude_patterns = [".venv", ".git", "build"]
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
# use the outputs of an earlier run if the code has not changed
nb_execution_mode = "cache"
nb_execution_excludepatterns = ["**/challenges/*"]
nb_execution_timeout = 300
nb_merge_streams = True
myst_enable_extensions = ["substitution"]
myst_heading_anchors = 4
python_maximum_signature_line_length = 80
suppress_warnings = ["misc.highlighting_failure"]  # for syntax newer than the highlighter
html_baseurl = os.environ.get("SITE", "")  # the address of the published site
html_theme = "furo"
html_static_path = html_css_files = ["book.css"]
html_copy_source = html_show_sourcelink = html_show_copyright = html_show_sphinx = False
html_show_search_summary = False  # needs fetch(), which fails in a page opened as a file


class Search(SearchEnglish):
    """An index of English words, and of all pairs of adjacent Japanese letters."""

    js_splitter_code = r"""
var splitQuery = (query) =>
  [...query.matchAll(/[\u3041-\u30ff\u3400-\u9fff]+|[\p{L}\p{N}_]+/gu)].flatMap(([run]) =>
    run < "\u3041" ? run : [...run.slice(1)].map((end, at) => run[at] + end));"""

    def split(self, input: str) -> list[str]:
        """Split a page into words, in the same way as the JavaScript above splits a search."""
        runs = re.findall(r"[\u3041-\u30ff\u3400-\u9fff]+|\w+", input)
        pairs = ([run] if run < "\u3041" else map("".join, pairwise(run)) for run in runs)
        return [word for words in pairs for word in words]


def linked(page: Path, folder: Path, text: str) -> str:
    """Return the text of a page, in which each number of a lesson is a link to the lesson.

    A link to a folder leads to its `__init__.py`, which describes the folder.

    Args:
        page: the page's path; new links are relative to it.
        folder: the folder of the lessons.
    """
    lessons = {path.name[:2]: relpath(path, page.parent) for path in folder.glob("[0-9]*.ipynb")}

    def number(found: re.Match[str]) -> str:
        lesson = lessons.get(found[0], page.name)
        return found[0] if lesson == page.name else f"[{found[0]}]({lesson})"

    def link(found: re.Match[str]) -> str:
        if found[2]:
            return re.sub(r"\d\d", number, found[2])
        return found[0] + "/__init__.py" * (page.parent / found[1]).is_dir()

    return LINK.sub(link, text)


def prepare_source(app: Sphinx, name: str, source: list[str]) -> None:
    """Prepare a source file for Sphinx.

    Add links to a page, tables of contents to the first page, and solutions to a lesson. Turn a
    file of code into a page.
    """
    page = Path(app.env.doc2path(name))
    folder = Path(app.srcdir, "notebooks", "ja" if name.startswith("notebooks/ja/") else "")
    if lexer := CODE.get(page.suffix):
        block = f"``````{{code-block}} {lexer}\n{source[0]}\n``````"
        source[0] = f"{_ORPHAN}# `{relpath(page, app.srcdir)}`\n\n{block}\n"
    elif page.suffix == ".md":
        front = relpath(Path(app.srcdir, "index.html"), page.parent)
        text = PLAYGROUND.sub(rf'<a href="{front}\2">\1</a>', source[0])
        source[0] = _ORPHAN * ("/lesson-" in name) + linked(page, folder, text)
        for part, pages in PARTS.items() if name == root_doc else ():
            names = re.sub(r"\.\w+( |$)", "\n", pages)
            source[0] += f"\n```{{toctree}}\n:hidden:\n:glob:\n:caption: {part}\n\n{names}```\n"
    else:
        notebook = nbformat.reads(source[0], as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = linked(page, folder, cell.source)
            elif "app = ..." in cell.source:  # insert the solution, since later cells need the app
                cell.source = solved(cell.source)
        source[0] = nbformat.writes(notebook)


def without_empty(_: Sphinx, tree: nodes.document) -> None:
    """Remove empty outputs, which remain after a cell has cleared its output."""
    for shown in list(tree.findall(nodes.literal_block)):
        if not shown.astext().strip():
            shown.parent.remove(shown)


def add_page_context(
    app: Sphinx, name: str, _: str, context: dict[str, Any], tree: nodes.document | None
) -> None:
    """Set the page's description and language, and link to the page in the other language."""
    if tree:
        texts = (" ".join(part.astext().split()) for part in tree.findall(nodes.paragraph))
        first = next((text for text in texts if len(text) > 20), "")  # shorter texts are links
        context["metatags"] += _META.format(escape(first), html_baseurl)
    japanese = name.startswith("notebooks/ja/")
    words = JAPANESE if japanese else gettext.NullTranslations()
    app.builder.templates.environment.install_gettext_translations(words)
    context["language"], other = ("ja", "en") if japanese else ("en", "ja")
    twin = re.sub("^notebooks/(ja/)?", "notebooks/" if japanese else "notebooks/ja/", name)
    if tree:  # let the keyboard scroll a table that is wider than the screen
        table, focusable = '<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'
        context["body"] = context["body"].replace(table, focusable)
    if tree and twin != name and twin in app.env.found_docs:
        tag = f'<a class="twin" lang="{other}" href="{app.builder.get_relative_uri(name, twin)}">'
        context["body"] = f"{tag}{'English' if japanese else '日本語'}</a>{context['body']}"


def calls() -> str:
    with TemporaryDirectory() as folder:
        paths = make_app(Settings(dir=Path(folder))).openapi()["paths"]
    rows = ["| call | what it does | answers |", "| --- | --- | --- |"]
    for path, method, call in ((p, m, c) for p, calls in paths.items() for m, c in calls.items()):
        what, answers = " ".join(call["description"].split()), ", ".join(sorted(call["responses"]))
        rows.append(f"| `{method.upper()} {path}` | {what} | {answers} |")
    return "\n".join(rows)


myst_substitutions = {"calls": calls()}


def setup(app: Sphinx) -> None:
    """Include the pages and the code that they link to, and register the functions above."""
    pages = [page for pattern in PAGES for page in Path(app.srcdir).glob(pattern)]
    found = ((page, to) for page in pages for to, _ in LINK.findall(page.read_text("utf-8")))
    code = [relpath(page.parent / to, app.srcdir) for page, to in found]
    app.config.include_patterns = [*PAGES, *code, *(f"{folder}/__init__.py" for folder in code)]
    app.add_search_language(Search)
    app.connect("source-read", prepare_source)
    app.connect("doctree-read", without_empty)
    app.connect("html-page-context", add_page_context)
