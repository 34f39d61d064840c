"""A page of the book: its frame, its look, and the way to the other pages. It needs no script."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from nbconvert import HTMLExporter
from nbconvert.filters import markdown2html

from demo_app.verification.demo.colours import EDGE, GOOD, INK, PAPER, RUNNING, WAITING
from lab.words import words

#: What code stands on.
SHADE = "#f1f4f6"
# One length rules all: larger in a wide window, so that a projector's last row can read it.
_STYLE = f"""
:root {{ color-scheme: light; font-size: clamp(16px, 8px + .9vw, 32px) }}
body {{ margin: 0 auto; max-width: 56rem; padding: 0 1rem 4rem; background: {PAPER}; color: {INK};
  font-family: sans-serif; line-height: 1.5 }}
a {{ color: {RUNNING} }}
nav {{ display: flex; flex-wrap: wrap; gap: .3rem 1.5rem; padding: .6rem 0; margin-bottom: 1rem;
  border-bottom: 1px solid {WAITING} }}
nav.foot {{ margin: 3rem 0 0; border: 0; border-top: 1px solid {WAITING} }}
h1, h2, h3 {{ line-height: 1.25; margin: 2.2rem 0 .6rem }}
h1 {{ margin-top: 1.2rem }}
p, li {{ max-width: 44rem }}
li {{ margin: .3rem 0 }}
li p {{ margin: .1rem 0 .8rem }}
code, pre {{ font-family: monospace; font-size: .88em }}
pre code {{ font-size: 1em }}
:not(pre) > code {{ background: {SHADE}; padding: .05em .3em; border-radius: .2em;
  overflow-wrap: anywhere }}
pre {{ margin: 0; overflow-x: auto; line-height: 1.4 }}
.highlight {{ background: {SHADE}; border-left: .25rem solid {EDGE}; padding: .6rem .8rem;
  margin-top: 1rem }}
.k, .kn, .kc, .kd, .ow {{ color: {RUNNING}; font-weight: bold }}
.s1, .s2, .sa, .si, .sd {{ color: {GOOD} }}
.c1 {{ color: {EDGE} }}
.output_area {{ margin: .4rem 0; padding-left: 1.05rem }}
.output_area, .rendered_html {{ overflow-x: auto }}
.output_text pre {{ white-space: pre-wrap; overflow-wrap: anywhere }}
figure {{ margin: .5rem 0 !important; padding: 0 !important; max-width: none !important;
  overflow-x: auto }}
figure svg {{ width: 100%; min-width: 40rem }}
figcaption {{ max-width: 44rem; color: {EDGE} }}
table {{ border-collapse: collapse; max-width: none !important; margin: .6rem 0 }}
th, td {{ padding: .25em .9em .25em 0; border-bottom: 1px solid {WAITING}; text-align: left;
  vertical-align: top; overflow-wrap: break-word !important }}
td[style*=monospace] {{ overflow-wrap: anywhere !important }}
th[scope=row] {{ min-width: 7em }}
.wide {{ display: block; overflow-x: auto }}
summary {{ cursor: pointer; padding: .2rem 0 }}
.prompt, .anchor-link {{ display: none }}
.quiet {{ color: {EDGE} }}
"""


def lesson_page(notebook: Any, title: str, titles: Mapping[str, str], name: str) -> str:
    """An executed lesson as a page. titles: every page's, by its name, in their order."""
    exporter: Any = HTMLExporter(template_name="basic")  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(notebook)
    body = re.sub(r"<script.*?</script>", "", body, flags=re.S)  # a page to read needs none
    ways = _ways(titles, name)
    return _frame(title, f"<nav>{ways}</nav>{_linked(body, titles)}<nav class=foot>{ways}</nav>")


def index_page(lessons: Mapping[str, Any], titles: Mapping[str, str]) -> str:
    """The page that leads to the others. lessons: each notebook, by its page's name."""
    items = [
        f'<li><a href="{escape(name)}.html">{escape(titles[name])}</a>{_about(lesson)}</li>'
        for name, lesson in lessons.items()
    ]
    minutes = sum(_minutes(lesson) for lesson in lessons.values())
    return _frame(
        "The lessons",
        "<h1>Jobs that survive: the lessons</h1><p>A reader comments on a blog, and its author "
        "gets a mail: later, from a queue, whatever dies meanwhile. In each lesson you predict, "
        "break the running system, and see. They build on each other; begin with the first.</p>"
        "<p>Every lesson was run when these pages were made, and every figure and number is of "
        "that run. To run them yourself, and to predict before you look: <code>make lab</code>.</p>"
        f'<ul>{"".join(items)}</ul><p class="quiet">All together: about {minutes / 60:.1f} hours. '
        f'A word that you don\'t know? <a href="#words">The words</a> are below.</p>'
        f'<h2 id="words">Words</h2>{_glossary(titles)}',
    )


def _frame(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>{body}</body></html>"
    )


def _ways(titles: Mapping[str, str], name: str) -> str:
    names = list(titles)
    here = names.index(name) if name in names else 0
    ways = ['<a href="index.html">All lessons</a>', '<a href="index.html#words">Words</a>']
    if here > 0:
        ways.append(_way(names[here - 1], f"← {titles[names[here - 1]]}"))
    if here + 1 < len(names):
        ways.append(_way(names[here + 1], f"{titles[names[here + 1]]} →"))
    return "".join(ways)


def _way(name: str, words_: str) -> str:
    return f'<a href="{escape(name)}.html">{escape(words_)}</a>'


def _linked(body: str, titles: Mapping[str, str]) -> str:
    """With the lessons that the text names made into links."""
    pages = {name[:2]: name for name in titles}

    def link(number: re.Match[str]) -> str:
        return _way(pages[number[0]], number[0]) if number[0] in pages else number[0]

    named = r"\b[Ll]essons? \d\d(?:(?:,| and) \d\d)*"
    return re.sub(named, lambda found: re.sub(r"\d\d", link, found[0]), body)


def _about(lesson: Any) -> str:
    """What a lesson says of itself before anything else, and how long it takes."""
    paragraph = lesson.cells[0].source.split("\n\n")[1]
    minutes = _minutes(lesson)
    took = f'<span class="quiet"> · about {minutes} minutes</span>' if minutes else ""
    return f"{took}{markdown2html(paragraph)}"


def _minutes(lesson: Any) -> int:
    found = re.search(r"about (\d+) minutes", lesson.cells[0].source)
    return int(found[1]) if found else 0


def _glossary(titles: Mapping[str, str]) -> str:
    pages = {name[:2]: name for name in titles}
    rows = []
    for word in words():
        where = ", ".join(_way(pages[n], n) if n in pages else n for n in word.lessons)
        told = "".join(f"<td>{escape(cell)}</td>" for cell in (word.japanese, word.means))
        rows.append(f'<tr><th scope="row">{escape(word.word)}</th>{told}<td>{where}</td></tr>')
    head = "".join(
        f'<th scope="col">{name}</th>' for name in ("word", "in Japanese", "means", "lesson")
    )
    return f'<table class="wide"><tr>{head}</tr>{"".join(rows)}</table>'
