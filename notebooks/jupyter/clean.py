"""Git's filter that removes the outputs of lessons.

It reads a notebook from standard input and writes it without outputs, so that a lesson that was
only run shows no difference in `git diff` and in a commit. The file itself keeps its outputs.
"""

import json
import sys

_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def main() -> None:
    notebook = json.load(sys.stdin)
    for cell in notebook["cells"]:
        kept = {"translates"} & {*cell["metadata"]}  # the hash of the cell's English original
        cell["metadata"] = {name: cell["metadata"][name] for name in kept}
        if cell["cell_type"] == "code":
            cell |= {"execution_count": None, "outputs": []}
    notebook["metadata"] = _METADATA
    json.dump(notebook, sys.stdout, indent=1, ensure_ascii=False, sort_keys=True)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
