"""Gradients derived by hand against the engine's, with the mistakes named. See README.md in this folder."""

from tinygrad_edu.check import student
from tinygrad_edu.check.assertion import assert_gradients
from tinygrad_edu.check.comparison import compare
from tinygrad_edu.check.derived_function import function
from tinygrad_edu.check.differences import GradientCheck, InputCheck, gradients
from tinygrad_edu.check.explanation import Explained, explain
from tinygrad_edu.check.forward_pass import forward
from tinygrad_edu.check.parameter_update import update
from tinygrad_edu.check.report import Diagnosis, Entry, Report
from tinygrad_edu.check.student import StudentFileError
from tinygrad_edu.errors import answers

__all__ = [
    "Diagnosis", "Entry", "Explained", "GradientCheck", "InputCheck", "Report", "StudentFileError",
    "assert_gradients", "compare", "explain", "forward", "function", "gradients", "student", "update",
]  # fmt: skip

answers(__name__, "tg.check", 'tg.check.compare(J, {"dW": dW})')
