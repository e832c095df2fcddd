"""Optimisers: how the parameters move along their gradients. Public as ``tg.optim``. See README.md here."""

from typing import TYPE_CHECKING, Any

from tinygrad_edu.nn.foreign_names import OPTIM, unknown
from tinygrad_edu.nn.optim.base import Optimizer
from tinygrad_edu.nn.optim.rules import SGD, Adam, AdamW, Momentum, Nesterov, RMSProp
from tinygrad_edu.nn.optim.schedules import CosineDecay, ExponentialDecay, InverseTimeDecay, StepDecay, WarmUp

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "CosineDecay",
    "ExponentialDecay",
    "InverseTimeDecay",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSProp",
    "StepDecay",
    "WarmUp",
]


if not TYPE_CHECKING:  # a checker finds a name that is not there itself

    def __getattr__(name: str) -> Any:
        raise unknown("tg.optim", name, OPTIM, __all__)
