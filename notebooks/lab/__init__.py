"""What the notebooks import: a system to experiment on, pictures, predictions and checks."""

import lab.heavy  # noqa: F401  # isort: skip - before everything else
from lab.ask import predict
from lab.check import check, solutions
from lab.doctor import doctor
from lab.ledger import side_by_side
from lab.running import Lab, LabError
from lab.show import Table
from lab.times import percentile, response_times, waits

__all__ = [
    "Lab",
    "LabError",
    "Table",
    "check",
    "doctor",
    "percentile",
    "predict",
    "response_times",
    "side_by_side",
    "solutions",
    "waits",
]
