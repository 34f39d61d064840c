"""Write the generated parts of the README, the reference and the answer pages.

Run ``python tests/generated.py``.
"""

import re
import sys
import tomllib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import answers

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "notebooks" / "reference"


def settings() -> str:
    from demo_app.settings import Settings

    rows = ["| variable | what it sets | default |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, tuple | frozenset):
            default = ",".join(map(str, default))
        output = field.description or ""
        rows.append(f"| `DEMO_{name.upper()}` | {output} | {f'`{default}`' if default else ''} |")
    return "\n".join(rows)


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
#: The repository's address, such as ``https://github.com/owner/name``; "" if there is none.
ADDRESS: str = PROJECT["tool"]["jobs-that-survive"]["repository"]


def badges(address: str = ADDRESS) -> str:
    """Return buttons (Markdown) that open the lessons in Codespaces and Binder, or "" if the
    address is not on GitHub."""
    owner_and_name = re.sub(r"^https://github\.com/|\.git$|/$", "", address)
    if not address or owner_and_name == address:
        return ""
    return (
        "[![Open in Codespaces](https://github.com/codespaces/badge.svg)]"
        f"(https://codespaces.new/{owner_and_name})\n"
        "[![Open in Binder](https://mybinder.org/badge_logo.svg)]"
        f"(https://mybinder.org/v2/gh/{owner_and_name}/HEAD?urlpath=lab/tree/notebooks)\n"
    )


def install(address: str = ADDRESS) -> str:
    """Return the commands that install the broker for any Celery app.

    They use the repository's address, or a checkout if there is no address.
    """
    version = PROJECT["project"]["version"]
    if address:
        source = f"celery-claims @ git+{address}#subdirectory=.dist/celery-claims"
        return f'```sh\npip install "{source}"\n```'
    return (
        "In a checkout of this project, with the `pip` of your app's environment:\n\n"
        "```sh\npip wheel --no-deps --wheel-dir build .dist/celery-claims\n"
        f"pip install build/celery_claims-{version}-py3-none-any.whl\n```"
    )


#: For each table: the file that contains it, and the function that makes it.
TABLES: dict[str, tuple[Path, Callable[[], str]]] = {
    "README/badges": (ROOT / "README.md", badges),
    "broker/install": (REFERENCE / "broker.md", install),
    "celery-claims/install": (ROOT / ".dist" / "celery-claims" / "README.md", install),
    "judged": (REFERENCE / "judge.md", partial(answers.signs, "judge.csv")),
    "settings": (REFERENCE / "reference.md", settings),
    **{
        f"{page}/{name}": (answers.PAGES / f"{page}.md", make)
        for page, blocks in answers.BLOCKS.items()
        for name, make in blocks.items()
    },
}


def rewritten(name: str) -> str:
    """Return the content of the file that contains the table, with the table up to date.

    Raises:
        LookupError: the file does not have the two comments that mark the table.
    """
    path, make = TABLES[name]
    return put(path, name.rpartition("/")[2], make())


def put(path: Path, name: str, table: str) -> str:
    """Return the file's content with `table` between the two HTML comments that contain `name`.

    Raises:
        LookupError: the file does not have these comments.
    """
    place = re.compile(rf"(<!-- {name}\b[^>]*-->\n).*?(<!-- /{name} -->)", re.DOTALL)
    text, count = place.subn(
        lambda found: f"{found[1]}\n{table}\n\n{found[2]}", path.read_text("utf-8")
    )
    if not count:
        raise LookupError(f"{path.name} has no place for the table {name}")
    return text


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    for table, (file, _) in TABLES.items():
        file.write_text(rewritten(table), "utf-8")
