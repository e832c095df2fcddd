"""Derivatives of outputs, and of functions."""

from tinygrad_edu.autodiff import func
from tinygrad_edu.autodiff.definition import define
from tinygrad_edu.autodiff.gradients import grad
from tinygrad_edu.errors import answers

__all__ = ["define", "func", "grad"]

answers(__name__, "tg.autodiff", "tg.grad(J, [w, b])")
