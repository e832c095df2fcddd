"""Derivatives of outputs, and of functions."""

from tinygrad_edu.autodiff import func
from tinygrad_edu.autodiff.define import define
from tinygrad_edu.autodiff.grad import grad

__all__ = ["define", "func", "grad"]
