"""Gradients derived by hand against the engine's, with the mistakes named. See README.md in this folder."""

from tinygrad_edu.check.compare import compare
from tinygrad_edu.check.differences import GradientCheck, InputCheck, gradients
from tinygrad_edu.check.report import Diagnosis, Entry, Report

__all__ = ["Diagnosis", "Entry", "GradientCheck", "InputCheck", "Report", "compare", "gradients"]
