"""The measurement of each test's processor seconds, and tables of them by folder and by file.

`pytest --costs=FILE` appends a line for each test. `python tests/costs.py FILE` prints the tables.
"""

import resource
import sys
from collections import Counter
from pathlib import Path

import pytest

#: The name of the property of a test's report that stores the seconds.
PROPERTY = "processor_seconds"
#: The maximum number of files in the printed table.
LIMIT = 30


def used() -> float:
    """Return the processor seconds that this process and its ended children have used so far."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def lines(reports: list[pytest.TestReport]) -> list[str]:
    found = {
        report.nodeid: seconds
        for report in reports
        for name, seconds in report.user_properties
        if name == PROPERTY
    }
    return [f"{seconds:.2f} {nodeid}\n" for nodeid, seconds in found.items()]


def tables(text: str) -> str:
    folders, files = Counter[str](), Counter[str]()
    for line in text.splitlines():
        seconds, _, nodeid = line.partition(" ")
        file = nodeid.partition("::")[0]
        files[file] += float(seconds)
        folders["/".join(file.split("/")[:2]) if file.count("/") > 1 else "tests"] += float(seconds)
    rows = [("all", sum(folders.values())), *folders.most_common(), *files.most_common(LIMIT)]
    return "\n".join(f"{seconds:8.1f}  {name}" for name, seconds in rows)


if __name__ == "__main__":
    print("processor seconds, by folder and by file")
    print(tables(Path(sys.argv[1]).read_text("utf-8")))
