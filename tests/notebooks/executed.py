"""Write a lesson with its outputs as a Markdown page: ``python -m notebooks.executed``, in
``tests``.

A code host such as GitHub shows the page with the outputs; the notebook itself is stored without
outputs. On the page, each exercise is solved.
"""

import re
from base64 import b64decode
from pathlib import Path

from notebooks.kernels import NOTEBOOKS, Output, kernel
from notebooks.lesson import cells

LESSON = "04_kill_the_worker"
PAGE = NOTEBOOKS.parent / ".github" / "lesson-04" / "README.md"
_INTRODUCTION = f"""> Lesson 04 as it ran once, with each exercise solved. `make lab` opens
> [the lesson itself](../../notebooks/{LESSON}.ipynb), in which you predict and type.
"""
_IMAGE = re.compile(r'<img alt="([^"]*)" src="data:image/png;base64,([^"]*)">')


def parts() -> list[tuple[bool, str]]:
    """Return the lesson's cells with the exercises solved, as pairs (is code, text)."""
    from lab.checks import solved

    return [
        (True, solved(text).strip()) if is_code else (False, text)
        for is_code, text in cells(LESSON)
    ]


def prose(text: str) -> str:
    """Return a cell's text with links that work from the page's folder."""
    return re.sub(r"\]\((?!https?:)", "](../../notebooks/", text)


def code(text: str) -> str:
    return f"```python\n{text}\n```"


def _shown(output: Output, folder: Path) -> str:
    html = output.get("data", {}).get("text/html", "")
    text = output.get("text") or output["data"]["text/plain"]
    if found := _IMAGE.search(html):
        name = f"{len(list(folder.glob('*.png'))) + 1}.png"
        (folder / name).write_bytes(b64decode(found[2]))
        return f"![{found[1]}]({name})"
    if html:
        # in Markdown, an empty line would end the HTML
        return re.sub(r"\n(?=\n)", "&#10;", re.sub(r' style="[^"]*"', "", html))
    return f"```text\n{text.rstrip()}\n```" if text.strip() else ""


def main() -> None:
    PAGE.parent.mkdir(exist_ok=True)
    for old in PAGE.parent.glob("*.png"):
        old.unlink()
    title, *rest = parts()
    written = [prose(title[1]), _INTRODUCTION]
    with kernel() as here:
        for is_code, text in rest:
            written.append(code(text) if is_code else prose(text))
            if is_code:
                written += [_shown(output, PAGE.parent) for output in here.run(text)]
    PAGE.write_text("\n\n".join(part.strip() for part in written if part) + "\n", "utf-8")


if __name__ == "__main__":
    main()
