"""A font of this machine with Japanese letters, for the labels of figures."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from matplotlib.font_manager import findSystemFonts, fontManager

#: As Linux, macOS, Windows and TeX bring them.
_FONTS = (
    *("Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic"),
    *("Hiragino Sans", "Hiragino Maru Gothic Pro", "Yu Gothic", "Meiryo", "MS Gothic"),
)


def japanese_font() -> str:
    """Return the name of the font; "" if there is none."""
    # matplotlib keeps its list of fonts, and one that was installed later is not in it
    for path in set(findSystemFonts()) - {font.fname for font in fontManager.ttflist}:
        with suppress(RuntimeError, OSError):  # as matplotlib: what it can't read it leaves out
            fontManager.addfont(path)
    known = {font.name for font in fontManager.ttflist if Path(font.fname).exists()}
    return next((name for name in _FONTS if name in known), "")
