"""``python -m explore``: explores the bounded worlds completely.

Exit status 0 if every promise held, 1 if a promise was broken, 2 if a world
was not explored completely.
"""

import argparse
import logging
import sys
from pathlib import Path

from generated import put

from demo_app.markdown import table
from explore.search import Breadth, Found, server
from explore.way import as_line, from_line, replay
from explore.worlds import WORLDS


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make explore", description=__doc__)
    text = "explore only this world [repeatable]"
    names = [plan.name for plan in WORLDS]
    parser.add_argument("--world", action="append", choices=names, metavar="NAME", help=text)
    parser.add_argument("--list", action="store_true", help="list the worlds, and explore none")
    parser.add_argument("--seconds", type=float, default=1e9, help="maximum time for each world")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the tables into this file")
    parser.add_argument("--replay", metavar="STEPS", help="take these steps in --world")
    return parser.parse_args()


def main() -> int:
    logging.disable(logging.CRITICAL)
    args = options()
    plans = [plan for plan in WORLDS if not args.world or plan.name in args.world]
    if args.list:
        print("\n".join(f"{plan.name:20} {plan.bound}" for plan in plans))
        return 0
    found = []
    with server() as on:
        if args.replay:
            why, steps = replay(plans[0], on, from_line(args.replay))
            print(why or f"Every promise holds after these {len(steps)} steps.")
            return int(bool(why))
        for plan in plans:
            found.append(Breadth(plan, on).run(seconds=args.seconds))
            print(found[-1], flush=True)
            if found[-1].broken:
                words = f'--world "{plan.name}" --replay "{as_line(found[-1].steps)}"'
                print(f"    make explore ARGS='{words}'", flush=True)
            if args.page:
                args.page.write_text(put(args.page, "explored", explored(found)), "utf-8")
    return 1 if any(one.broken for one in found) else 0 if all(one.complete for one in found) else 2


def explored(found: list[Found]) -> str:
    rows = [
        [one.plan.name, one.plan.bound, f"{one.states:,}", f"{one.transitions:,}",
         f"{one.seconds:.0f}",
         "to the end" if one.complete else "not to the end", one.broken or "all hold"]
        for one in found
    ]  # fmt: skip
    head = ["world", "bound", "states", "steps", "seconds", "", "promises"]
    return table(head, rows, ["---", "---", "---:", "---:", "---:", "---", "---"])


if __name__ == "__main__":
    sys.exit(main())
