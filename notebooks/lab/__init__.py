"""What the notebooks import: a system to experiment on, pictures, predictions and checks."""

from lab.ask import predict
from lab.check import check, solutions
from lab.ledger import side_by_side
from lab.running import Lab, LabError

__all__ = ["Lab", "LabError", "check", "predict", "side_by_side", "solutions"]
