"""The colours of every picture: Okabe and Ito's, which colour-blind people can tell apart.

No meaning rests on a colour alone: each also has a shape, a hatch, or a word beside it.
Source: M. Okabe and K. Ito, "Color Universal Design" (2008).
"""

WAITING = "#c9d6df"  # a pale surface, always with the edge below
EDGE = "#5f6f7a"
RUNNING = "#0072b2"
CUT_SHORT = "#e69f00"
KILL = "#d55e00"
DELIVERED = "#000000"
GOOD = "#007a5e"  # their bluish green, a shade darker, so that it carries text on white
INK = "#1c2429"
PAPER = "#ffffff"
