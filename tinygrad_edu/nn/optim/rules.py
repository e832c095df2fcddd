"""The update rules: how W changes with dW. Each is a formula in NumPy that runs on arrays and on names."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tinygrad_edu.nn.optim.base import Optimizer, Parameters
from tinygrad_edu.nn.optim.schedules import Schedule
from tinygrad_edu.settings import above_zero, at_least


class SGD(Optimizer):
    """Gradient descent: W := W - α dW. Course: L13. The other settings are those of :class:`Optimizer`.

    >>> import numpy as np
    >>> W = np.array([1.0])
    >>> sgd = SGD(lr=0.5)
    >>> sgd.begin([])
    >>> sgd.update("W", W, np.array([4.0]))
    >>> W
    array([-1.])
    """

    @property
    def plain(self) -> bool:
        """Whether there is no decay and no clipping."""
        return type(self) is SGD and not (self.weight_decay or self.clip_value or self.clip_norm)

    def formula(self, W: Any, dW: Any, *, rate: Any, t: Any, **_: Any) -> tuple[Any, ...]:  # noqa: ARG002
        """W := W - α dW."""
        return (W - rate * dW,)


class Momentum(Optimizer):
    """Gradient descent along the average v of past gradients. The course's form, which weights dW by 1 - β.

    v := β v + (1 - β) dW, W := W - α v, from v = 0. (PyTorch's ``SGD(momentum=β)`` leaves out the 1 - β:
    the same with its learning rate divided by 1 - β.)

    Source: B. T. Polyak, *Some methods of speeding up the convergence of iteration methods*, 1964.

    >>> import numpy as np
    >>> W = np.array([1.0])
    >>> momentum = Momentum(lr=0.1, beta=0.5)
    >>> momentum.begin([])
    >>> momentum.update("W", W, np.array([10.0]))
    >>> W
    array([0.5])
    """

    slots: ClassVar[tuple[str, ...]] = ("v",)
    settings: ClassVar[tuple[str, ...]] = ("beta", *Optimizer.settings)

    def __init__(
        self,
        parameters: Parameters | None = None,
        *,
        lr: float | Schedule,
        beta: float = 0.9,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, lr=lr, **settings)
        self.beta = at_least(f"{type(self).__name__}: beta", beta, 0, below=1)

    def formula(self, W: Any, dW: Any, *, rate: Any, t: Any, **slots: Any) -> tuple[Any, ...]:  # noqa: ARG002
        """v := β v + (1 - β) dW, W := W - α v."""
        v = self.beta * slots["v"] + (1 - self.beta) * dW
        return W - rate * v, v


class Nesterov(Momentum):
    """Momentum that looks ahead: W := W - α (β v + (1 - β) dW), with the v of this step.

    Source: Y. Nesterov, *A method for solving the convex programming problem with convergence rate
    O(1/k²)*, 1983, in the form of I. Sutskever et al., ICML 2013.

    >>> import numpy as np
    >>> W = np.array([1.0])
    >>> nesterov = Nesterov(lr=0.1, beta=0.5)
    >>> nesterov.begin([])
    >>> nesterov.update("W", W, np.array([10.0]))
    >>> W
    array([0.25])
    """

    def formula(self, W: Any, dW: Any, *, rate: Any, t: Any, **slots: Any) -> tuple[Any, ...]:  # noqa: ARG002
        """v := β v + (1 - β) dW, W := W - α (β v + (1 - β) dW)."""
        v = self.beta * slots["v"] + (1 - self.beta) * dW
        return W - rate * (self.beta * v + (1 - self.beta) * dW), v


class RMSProp(Optimizer):
    """Each entry's step over the root of the average of its squared gradients.

    s := β s + (1 - β) dW², W := W - α dW / (√s + ε), from s = 0.

    Source: G. Hinton, *Neural Networks for Machine Learning*, lecture 6e, 2012.

    >>> import numpy as np
    >>> W = np.array([1.0])
    >>> rmsprop = RMSProp(lr=0.1, beta=0.75)
    >>> rmsprop.begin([])
    >>> rmsprop.update("W", W, np.array([10.0]))
    >>> W.round(6)
    array([0.8])
    """

    slots: ClassVar[tuple[str, ...]] = ("s",)
    settings: ClassVar[tuple[str, ...]] = ("beta", "epsilon", *Optimizer.settings)

    def __init__(
        self,
        parameters: Parameters | None = None,
        lr: float | Schedule = 0.001,
        *,
        beta: float = 0.9,
        epsilon: float = 1e-8,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, lr=lr, **settings)
        self.beta = at_least("RMSProp: beta", beta, 0, below=1)
        self.epsilon = above_zero("RMSProp: epsilon", epsilon)

    def formula(self, W: Any, dW: Any, *, rate: Any, t: Any, **slots: Any) -> tuple[Any, ...]:  # noqa: ARG002
        """s := β s + (1 - β) dW², W := W - α dW / (√s + ε)."""
        s = self.beta * slots["s"] + (1 - self.beta) * dW * dW
        return W - rate * dW / (np.sqrt(s) + self.epsilon), s


class Adam(Optimizer):
    """Momentum over the root of the average square, both corrected for their start at 0.

    v := β₁ v + (1 - β₁) dW and s := β₂ s + (1 - β₂) dW²; with v̂ = v / (1 - β₁ᵗ) and ŝ = s / (1 - β₂ᵗ),
    W := W - α v̂ / (√ŝ + ε).

    Source: D. P. Kingma, J. Ba, *Adam*, ICLR 2015, algorithm 1.

    >>> import numpy as np
    >>> W = np.array([1.0])
    >>> adam = Adam(lr=0.5)
    >>> adam.begin([])
    >>> adam.update("W", W, np.array([10.0]))
    >>> W.round(6)
    array([0.5])
    """

    slots: ClassVar[tuple[str, ...]] = ("v", "s")
    settings: ClassVar[tuple[str, ...]] = ("beta1", "beta2", "epsilon", *Optimizer.settings)

    def __init__(
        self,
        parameters: Parameters | None = None,
        lr: float | Schedule = 0.001,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        **settings: Any,
    ) -> None:
        called = type(self).__name__
        super().__init__(parameters, lr=lr, **settings)
        self.beta1 = at_least(f"{called}: beta1", beta1, 0, below=1)
        self.beta2 = at_least(f"{called}: beta2", beta2, 0, below=1)
        self.epsilon = above_zero(f"{called}: epsilon", epsilon)

    def formula(self, W: Any, dW: Any, *, rate: Any, t: Any, **slots: Any) -> tuple[Any, ...]:
        """α v̂ / (√ŝ + ε) with c = √(1 - β₂ᵗ) multiplied in above and below: so s need not be corrected."""
        v = self.beta1 * slots["v"] + (1 - self.beta1) * dW
        s = self.beta2 * slots["s"] + (1 - self.beta2) * dW * dW
        c = np.sqrt(1 - self.beta2**t)
        root = np.sqrt(s) + self.epsilon * c
        return W - rate * c / (1 - self.beta1**t) * v / root, v, s


class AdamW(Adam):
    """Adam with weight decay applied to W itself, W := (1 - α λ) W, not through the averages.

    Source: I. Loshchilov, F. Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019.

    >>> import numpy as np
    >>> W = np.array([1.0])
    >>> adamw = AdamW(lr=0.5, weight_decay=0.2)
    >>> adamw.begin([])
    >>> adamw.update("W", W, np.array([10.0]))
    >>> W.round(6)
    array([0.4])
    """

    def __init__(
        self,
        parameters: Parameters | None = None,
        lr: float | Schedule = 0.001,
        *,
        weight_decay: float = 0.01,
        **settings: Any,
    ) -> None:
        super().__init__(parameters, lr, weight_decay=weight_decay, **settings)

    def decayed(self, W: Any, dW: Any, rate: Any) -> tuple[Any, Any]:
        """W := (1 - α λ) W."""
        return (1 - rate * self.weight_decay) * W, dW
