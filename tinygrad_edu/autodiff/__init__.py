"""Derivatives of outputs, and of functions."""

from tinygrad_edu.autodiff.grad import grad

__all__ = ["grad"]
