"""The choice of a font with Japanese letters, for the labels of figures."""

from contextlib import suppress
from pathlib import Path

from matplotlib.font_manager import findSystemFonts, fontManager

#: Fonts with Japanese letters on Linux, macOS, Windows and in TeX.
_FONTS = (
    *("Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic"),
    *("Hiragino Sans", "Hiragino Maru Gothic Pro", "Yu Gothic", "Meiryo", "MS Gothic"),
)


def japanese_font() -> str:
    """Register new fonts in matplotlib. Return the first installed font of `_FONTS`, or ""."""
    # matplotlib's cached list lacks the fonts that were installed after its creation
    for path in set(findSystemFonts()) - {font.fname for font in fontManager.ttflist}:
        with suppress(RuntimeError, OSError):  # like matplotlib, skip an unreadable font
            fontManager.addfont(path)
    known = {font.name for font in fontManager.ttflist if Path(font.fname).exists()}
    return next((name for name in _FONTS if name in known), "")
