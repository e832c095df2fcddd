"""Optimisers: rules that update parameters from gradients. Public as ``tg.optim``. See README.md here."""

import sys

from tinygrad_edu.elsewhere import attributes_explained
from tinygrad_edu.errors import answers, arguments_explained
from tinygrad_edu.nn.foreign_names import OPTIM, OPTIMIZER, STEPPING
from tinygrad_edu.nn.foreign_settings import SCHEDULE
from tinygrad_edu.nn.optim.base import Optimizer
from tinygrad_edu.nn.optim.rules import SGD, Adam, AdamW, Momentum, Nesterov, RMSProp
from tinygrad_edu.nn.optim.schedules import CosineDecay, ExponentialDecay, InverseTimeDecay, StepDecay, WarmUp

__all__ = [
    "SGD", "Adam", "AdamW", "CosineDecay", "ExponentialDecay", "InverseTimeDecay", "Momentum", "Nesterov",
    "Optimizer", "RMSProp", "StepDecay", "WarmUp",
]  # fmt: skip

for _name in __all__:
    arguments_explained(globals()[_name], SCHEDULE)
attributes_explained(Optimizer, OPTIMIZER)
for _schedule in (CosineDecay, ExponentialDecay, InverseTimeDecay, StepDecay, WarmUp):
    attributes_explained(_schedule, STEPPING)

sys.modules["tinygrad_edu.optim"] = sys.modules[__name__]  # import tinygrad_edu.optim
answers(__name__, "tg.optim", "tg.optim.SGD(lr=0.1)", OPTIM)
