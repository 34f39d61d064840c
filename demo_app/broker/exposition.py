"""Numbers as Prometheus reads them: its text format, version 0.0.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: A number's name, and its values: by what the label says, or one without a label.
Number = tuple[str, str, Mapping[str, float]]


def exposition(numbers: Iterable[Number]) -> str:
    """The page. A number counts upwards if its name ends with ``_total``, as the convention is."""
    lines = []
    for name, label, values in numbers:
        lines.append(f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}")
        for of, value in values.items():
            which = f'{{{label}="{_escaped(of)}"}}' if label else ""
            lines.append(f"{name}{which} {value}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Three signs are escaped in a label, and no other may be: a queue has any name.

    https://prometheus.io/docs/instrumenting/exposition_formats/#comments-help-text-and-type-information
    """
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
