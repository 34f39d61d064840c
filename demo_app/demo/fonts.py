"""Which of this machine's fonts has Japanese letters, for the labels of figures."""

from __future__ import annotations

from matplotlib.font_manager import get_font_names

#: As Linux, macOS, Windows and TeX bring them.
_FONTS = (
    *("Noto Sans CJK JP", "Noto Sans JP", "IPAexGothic", "IPAGothic", "TakaoGothic"),
    *("Hiragino Sans", "Hiragino Maru Gothic Pro", "Yu Gothic", "Meiryo", "MS Gothic"),
)


def japanese_font() -> str:
    """The name of one; empty if there is none."""
    known = set(get_font_names())
    return next((name for name in _FONTS if name in known), "")
