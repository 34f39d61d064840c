"""The colours of every picture: Okabe and Ito's, which colour-blind people can tell apart.

No meaning depends on a colour alone: there is also a shape, a hatch, or a word.
Source: M. Okabe and K. Ito, "Color Universal Design" (2008).
"""

WAITING = "#c9d6df"  # a pale surface, always with a border in EDGE
EDGE = "#5f6f7a"
RUNNING = "#0072b2"
CUT_SHORT = "#e69f00"
KILL = "#d55e00"
DELIVERED = "#000000"
GOOD = "#007a5e"  # Okabe and Ito's bluish green, but darker, so that text on white is readable
INK = "#1c2429"
PAPER = "#ffffff"
