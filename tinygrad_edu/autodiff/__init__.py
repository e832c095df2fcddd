"""Derivatives of outputs, and of functions."""

from tinygrad_edu.autodiff import func
from tinygrad_edu.autodiff.definition import define
from tinygrad_edu.autodiff.gradients import grad

__all__ = ["define", "func", "grad"]
