"""The build of the playground: one page that needs no server, and runs the queue's Lua files.

``python notebooks/playground/build.py FOLDER`` writes FOLDER/index.html, with links to the existing
parts of the site. The environment variable SITE is the address of the published site.
"""

import json
import os
import re
import sys
from importlib.resources import files
from pathlib import Path

from demo_app.broker.fold import STATE_AFTER

HERE = Path(__file__).parent
#: The Lua files that the page runs: the shared files, and the scripts that its blog calls.
USED = (
    *("_prelude", "_claims", "enqueue", "register", "beat", "held", "claim"),
    *("finish", "rescue", "promote_due", "states"),
)
#: The page's scripts, in their order.
PARTS = (
    *("vendor/fengari-web.js", "store.js", "scripts.js"),
    *("world.js", "stock.js", "claims.js", "drawing.js", "page.js"),
)


def scripts() -> dict[str, str]:
    """Return the code of each Lua file of the queue, shortened by `_short`.

    The keys are the file names without extension.
    """
    folder = files("demo_app.broker") / "scripts"
    found = [path for path in folder.iterdir() if path.name.endswith(".lua")]
    return {path.name.removesuffix(".lua"): _short(path.read_text("utf-8"), "--") for path in found}


def words() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((HERE / "words.json").read_text("utf-8"))
    return found


def _short(code: str, comment: str) -> str:
    """Return the code without comments and indentation. The number of lines stays the same."""
    return re.sub(rf"^ *({comment}.*)?|  {comment}.*", "", code, flags=re.M)


def page(site: Path = HERE, used: tuple[str, ...] = USED) -> str:
    """Return the whole page as HTML.

    Args:
        site: the folder with the files to which the page links. Links to missing files are hidden.
        used: the Lua files in the page.
    """
    texts = {name: text for name, text in scripts().items() if name in used}
    data = [f"const STATE_AFTER = {_in_script(STATE_AFTER)};"]
    data += [f"const SCRIPTS = {_in_script(texts)};", f"const WORDS = {_in_script(words())};"]
    code = [_harmless(_short((HERE / part).read_text("utf-8"), "//")) for part in PARTS]
    html = (HERE / "page.html").read_text("utf-8")
    for link in re.findall(r'href="site/(.*?)"', html):
        html = html.replace("site/" + link, link + '" hidden="' * (not (site / link).exists()))
    html = html.replace('content="site/', f'content="{os.environ.get("SITE", "")}')
    html = html.replace("/* page.css */", (HERE / "page.css").read_text("utf-8"))
    return re.sub(r"\n\s+", "\n", html.replace("/* scripts */", "\n".join([*data, *code])))


def _in_script(value: object) -> str:
    return _harmless(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _harmless(code: str) -> str:
    return code.replace("</script", "<\\/script")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(page(folder), "utf-8")
    print((folder / "index.html").resolve().as_uri())


if __name__ == "__main__":
    main()
