"""Gradients derived by hand against the engine's, with the mistakes named. See README.md in this folder."""

from tinygrad_edu.check import student
from tinygrad_edu.check.assertion import assert_gradients
from tinygrad_edu.check.compare import compare
from tinygrad_edu.check.differences import GradientCheck, InputCheck, gradients
from tinygrad_edu.check.explain import Explained, explain
from tinygrad_edu.check.forward import forward
from tinygrad_edu.check.function import function
from tinygrad_edu.check.report import Diagnosis, Entry, Report
from tinygrad_edu.check.student import StudentFileError
from tinygrad_edu.check.update import update

__all__ = [
    "Diagnosis",
    "Entry",
    "Explained",
    "GradientCheck",
    "InputCheck",
    "Report",
    "StudentFileError",
    "assert_gradients",
    "compare",
    "explain",
    "forward",
    "function",
    "gradients",
    "student",
    "update",
]
