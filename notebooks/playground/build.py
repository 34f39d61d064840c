"""Builds the playground: one page that needs no server, with the queue's own Lua files in it.

``python notebooks/playground/build.py FOLDER`` writes FOLDER/index.html, with links to the parts of
the site that are there. SITE is where that is published.
"""

from __future__ import annotations

import json
import os
import re
import sys
from importlib.resources import files
from pathlib import Path

from demo_app.broker.fold import STATE_AFTER

HERE = Path(__file__).parent
#: The Lua files that the page runs: what every script shares, and the steps of its blog.
USED = (
    *("_prelude", "_claims", "enqueue", "register", "beat", "held", "claim"),
    *("finish", "rescue", "promote_due", "states"),
)
#: In the order in which the page runs them.
PARTS = (
    *("vendor/fengari-web.js", "store.js", "scripts.js"),
    *("world.js", "stock.js", "claims.js", "drawing.js", "page.js"),
)


def scripts() -> dict[str, str]:
    """Every Lua file of the queue, by its name without the ending; see `_short`."""
    folder = files("demo_app.broker") / "scripts"
    found = [path for path in folder.iterdir() if path.name.endswith(".lua")]
    return {path.name.removesuffix(".lua"): _short(path.read_text("utf-8"), "--") for path in found}


def words() -> dict[str, dict[str, str]]:
    """Every sentence of the page, by its name, in each language."""
    found: dict[str, dict[str, str]] = json.loads((HERE / "words.json").read_text("utf-8"))
    return found


def _short(code: str, comment: str) -> str:
    """With the same lines, and without their comments and what indents them."""
    return re.sub(rf"^ *({comment}.*)?|  {comment}.*", "", code, flags=re.M)


def page(site: Path = HERE, used: tuple[str, ...] = USED) -> str:
    """Return the whole page as HTML.

    Args:
        site: the folder with the files to which the page links.
        used: the Lua files in the page.
    """
    texts = {name: text for name, text in scripts().items() if name in used}
    data = [f"const STATE_AFTER = {_in_script(STATE_AFTER)};"]
    data += [f"const SCRIPTS = {_in_script(texts)};", f"const WORDS = {_in_script(words())};"]
    code = [_harmless(_short((HERE / part).read_text("utf-8"), "//")) for part in PARTS]
    made = (HERE / "page.html").read_text("utf-8")
    for link in re.findall(r'href="site/(.*?)"', made):
        made = made.replace("site/" + link, link + '" hidden="' * (not (site / link).exists()))
    made = made.replace('content="site/', f'content="{os.environ.get("SITE", "")}')
    made = made.replace("/* page.css */", (HERE / "page.css").read_text("utf-8"))
    return re.sub(r"\n\s+", "\n", made.replace("/* scripts */", "\n".join([*data, *code])))


def _in_script(value: object) -> str:
    return _harmless(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _harmless(code: str) -> str:
    return code.replace("</script", "<\\/script")


def main() -> None:
    """Write the page into the folder that the command line names."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(page(folder), "utf-8")
    print((folder / "index.html").resolve().as_uri())


if __name__ == "__main__":
    main()
