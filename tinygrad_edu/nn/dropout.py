"""Dropout: entries of A are set to 0 at random while a model is trained, and never when it is used."""

from __future__ import annotations

from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu.core.mode import Ambient, Block, surroundings
from tinygrad_edu.nn.layers import Described
from tinygrad_edu.ops.networks.dropout import dropout
from tinygrad_edu.settings import keeping, whole, yes_or_no

_training: ContextVar[Ambient | None] = ContextVar("training", default=None)


def is_training() -> bool:
    """Whether a model computes as it does in training.

    >>> is_training()
    False
    """
    here = surroundings(_training)
    return here is not None and here.recording


@dataclass
class training(Block):  # noqa: N801  (a block, like no_grad)
    """Inside, a model computes as it does in training: :class:`Dropout` drops. ``fit`` does this itself.

    ``training(False)`` is the opposite, whatever ``model.train()`` has said.

    >>> import numpy as np
    >>> drop, A = Dropout(0.5, seed=1), np.ones((1, 4))
    >>> with training():
    ...     drop(A)
    array([[0., 0., 2., 0.]])
    >>> drop(A)
    array([[1., 1., 1., 1.]])
    """

    variable: ClassVar[ContextVar[Ambient | None]] = _training
    on: bool = True

    def __post_init__(self) -> None:
        yes_or_no("training: on", self.on)

    def _inside(self, outside: Ambient) -> dict[str, Any]:  # noqa: ARG002  (others look at it)
        return {"recording": self.on}


def mode_is_set() -> bool:
    """Whether a block around says how a model computes."""
    return surroundings(_training) is not None


def in_mode(on: bool) -> Any:
    """A block in which a model computes as in training, or not; a block around it has precedence.

    >>> with training(), in_mode(False):
    ...     is_training()
    True
    """
    return training() if on and not mode_is_set() else nullcontext()


class Dropout(Described):
    """A layer that keeps each entry with probability ``keep_prob`` while training, and divides it by that.

    So the expected value is that of A, and no scaling is needed when the model is used. Source: the
    course's exercise "Regularization"; N. Srivastava et al., JMLR 15, 2014.

    ``seed`` is an integer or a NumPy Generator, from which each pass draws its own mask.

    >>> Dropout(0.8)
    Dropout(0.8)
    """

    def __init__(self, keep_prob: float = 0.5, *, seed: int | np.random.Generator | None = None) -> None:
        keep_prob = keeping("Dropout: keep_prob", keep_prob)
        if not isinstance(seed, np.random.Generator | None):
            seed = whole("Dropout: seed", seed, 0)
        self.keep_prob, self.rng = keep_prob, np.random.default_rng(seed)

    def __call__(self, A: Any) -> Any:
        """A with entries left out, while training."""
        return dropout(A, self.keep_prob, rng=self.rng) if is_training() else A
