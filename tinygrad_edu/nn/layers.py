"""Layers: functions from A[l-1], one example a column, to A[l]. Course: D1."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable
from typing import Any, TypeAlias, TypeGuard, cast

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.core.table import NUMPY, OPS
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.init import Scheme, Seed, initial
from tinygrad_edu.nn.parameter_discovery import Parameters
from tinygrad_edu.ops.elementwise.exponential import tanh
from tinygrad_edu.ops.networks.activations import leaky_relu, relu, sigmoid, softmax
from tinygrad_edu.settings import one_of, shaped, whole

Activation: TypeAlias = str | Callable[[Any], Any]
"""A name in ``ACTIVATIONS``, or a function of Z."""

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "linear": lambda Z: Z,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "softmax": softmax,
}
"""The activations by the name that ``activation=`` takes; linear is A = Z."""
_ELSEWHERE = {
    "logistic": "'sigmoid'",
    "identity": "'linear'",
    "swish": "tg.silu",
    **{name: f"tg.{name}, a function," for name in ("gelu", "silu", "elu", "softplus")},
}
"""Activations of other libraries by their names there."""


class Described:
    """A layer as data: its kind, and what its constructor takes, but for what draws its numbers."""

    parameters: Callable[[], dict[str, Tensor]]

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of its parameters."""
        return next(iter(self.parameters().values())).dtype

    @property
    def architecture(self) -> dict[str, Any]:
        """The layer as data."""
        kind = kind_of(self)
        settings = [name for name in inspect.signature(kind).parameters if name not in ("init", "seed")]
        told = {name: described(getattr(self, name)) for name in settings}
        return {"layer": kind.__name__, **told, **own_code(self)}

    def __repr__(self) -> str:
        given = inspect.signature(kind_of(self)).parameters.values()
        told = (repr(getattr(self, p.name)) for p in given if p.kind is p.POSITIONAL_OR_KEYWORD)
        return f"{type(self).__name__}({', '.join(told)})"


class Activated(Described):
    """A layer in two steps, as in the notes: Z = linear(A_prev), A = activate(Z)."""

    activation: Activation
    """g: its name, or the function."""

    def linear(self, A_prev: Any) -> Any:
        """Z."""
        raise NotImplementedError

    def activate(self, Z: Any) -> Any:
        """A = g(Z)."""
        return ACTIVATIONS[self.activation](Z) if isinstance(self.activation, str) else self.activation(Z)

    def __call__(self, A_prev: Any) -> Any:
        """A = g(Z)."""
        return self.activate(self.linear(A_prev))


class Dense(Activated):
    """A fully connected layer: Z = W A_prev + b, A = g(Z).

    Args:
        n_in: the units of the layer before, n[l-1].
        n_out: its own units, n[l].
        activation: g, by name (linear, sigmoid, tanh, relu, leaky_relu, softmax) or as a function.
        init: zeros, random (0.01), xavier, he, a scale, or a function ``(shape, generator) -> W``. By
            default He's for ReLU and Xavier's for the others. b starts at 0.
        seed: an integer (NumPy's legacy generator, as in the course), a generator, or None.
        dtype: float64, or float32 for speed.

    ``.W`` is a Tensor (n_out, n_in), ``.b`` one of (n_out, 1).

    >>> import numpy as np
    >>> layer = Dense(2, 3, activation="relu", seed=1)
    >>> layer.W.shape, layer.b.shape, layer(np.ones((2, 5))).shape
    ((3, 2), (3, 1), (3, 5))
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: Activation = "linear",
        *,
        init: Scheme | None = None,
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.n_in, self.n_out = whole("Dense: n_in", n_in, 1), whole("Dense: n_out", n_out, 1)
        self.activation = checked_activation("Dense", activation)
        dtype, scheme = checked_dtype("Dense", dtype), scheme_for(self.activation, init)
        self.W = Tensor(initial((self.n_out, self.n_in), scheme, seed), name="W", dtype=dtype)
        self.b = Tensor(np.zeros((self.n_out, 1)), name="b", dtype=dtype)

    def parameters(self) -> Parameters:
        """``{"W": ..., "b": ...}``."""
        return Parameters({"W": self.W, "b": self.b})

    def linear(self, A_prev: Any) -> Any:
        """Z = W A_prev + b, of shape (n_out, m).

        Raises:
            ValueError: A_prev isn't (n_in, m) with at least one example.
        """
        A_prev = shaped(A_prev)
        _check_columns(A_prev, self.n_in, f"{self.W.name} {self.W.shape}")
        return self.W @ A_prev + self.b


class Neuron(Activated):
    """One unit, as the notes write it: z = wᵀ x + b, a = g(z). Course: L2.

    ``.w`` is a Tensor (n_in, 1), ``.b`` a number. The settings are those of :class:`Dense`.

    >>> import numpy as np
    >>> unit = Neuron(2, "sigmoid", init="zeros")
    >>> unit.w.shape, unit.b.shape, unit(np.ones((2, 5))).shape
    ((2, 1), (), (1, 5))
    """

    n_out = 1

    def __init__(
        self,
        n_in: int,
        activation: Activation = "linear",
        *,
        init: Scheme | None = None,
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.n_in = whole("Neuron: n_in", n_in, 1)
        self.activation = checked_activation("Neuron", activation)
        dtype, scheme = checked_dtype("Neuron", dtype), scheme_for(self.activation, init)
        self.w = Tensor(initial((1, self.n_in), scheme, seed).T, name="w", dtype=dtype)
        self.b = Tensor(np.zeros(()), name="b", dtype=dtype)

    def parameters(self) -> Parameters:
        """``{"w": ..., "b": ...}``."""
        return Parameters({"w": self.w, "b": self.b})

    def linear(self, A_prev: Any) -> Any:
        """Z = wᵀ A_prev + b, of shape (1, m)."""
        A_prev = shaped(A_prev)
        _check_columns(A_prev, self.n_in, f"{self.w.name}.T {self.w.shape[::-1]}")
        return self.w.T @ A_prev + self.b


def _check_columns(A_prev: Any, n_in: int, weights: str) -> None:
    """Raises ValueError unless A_prev is (n_in, m), m > 0. ``weights``: its name in the message."""
    shape = tuple(np.shape(A_prev))
    if len(shape) == 2 and shape[0] == n_in and shape[1]:
        return
    called = getattr(A_prev, "name", None) or "its input"
    product = f"{weights} @ {called} {shape}"
    wanted = f"expected one example a column, ({n_in}, m)"
    if len(shape) != 2:
        hint = "; tg.nn.Flatten() before it makes columns of its input" if len(shape) > 2 else ""
        raise ValueError(f"{product}: {wanted}{hint}")
    if shape[0] == n_in:
        raise ValueError(f"{product}: {wanted}, and at least one example")
    hint = "; it looks transposed" if shape[1] == n_in else ""
    raise ValueError(f"{product}: inner dimensions {n_in} and {shape[0]} differ; {wanted}{hint}")


def checked_activation(called: str, activation: Activation, argument: str = "activation") -> Activation:
    """The activation: its name if it is in ``ACTIVATIONS``, else the function.

    Raises:
        ValueError, TypeError: neither a name in ``ACTIVATIONS`` nor a function.
    """
    if isinstance(activation, str) and activation in _ELSEWHERE:
        raise ValueError(f"{called}: {argument}: {activation!r} is called {_ELSEWHERE[activation]} here")
    known = one_of(f"{called}: {argument}", activation, ACTIVATIONS, function_of="Z")
    return known if isinstance(known, str) else activation_called(known) or operation(known)


def in_two_steps(layer: Any) -> TypeGuard[Activated]:
    """Whether A is activate(linear(A_prev)): in a subclass that has its own ``__call__`` it may not be.

    >>> in_two_steps(Dense(2, 3)), in_two_steps(sigmoid)
    (True, False)
    """
    return isinstance(layer, Activated) and type(layer).__call__ is Activated.__call__


def operation(function: Any) -> Any:
    """The operation that NumPy's function stands for, as np.tanh for tanh; anything else as it is."""
    return NUMPY.get(cast(Any, function), function) if isinstance(function, Hashable) else function


def activation_called(function: Any) -> str:
    """The name of a function in ``ACTIVATIONS``; empty for another one.

    >>> activation_called(sigmoid), activation_called(abs)
    ('sigmoid', '')
    """
    return next((name for name, g in ACTIVATIONS.items() if g is operation(function)), "")


def checked_dtype(called: str, dtype: DTypeLike) -> np.dtype[Any]:
    """The dtype; raises TypeError unless it is a floating-point one."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        raise TypeError(f"{called}: dtype: expected a floating-point dtype, got {dtype!r}") from None
    if found.kind != "f":
        raise TypeError(f"{called}: dtype: expected a floating-point dtype, got {found}")
    return found


def scheme_for(activation: Activation, init: Scheme | None) -> Scheme:
    """The scheme given, or the one that goes with the activation."""
    return init if init is not None else "he" if activation in ("relu", "leaky_relu") else "xavier"


def kind_of(part: Any) -> type:
    """The class of a layer or a model of ``tg.nn``; of a subclass of one's own the one that it extends."""
    return next(kind for kind in type(part).__mro__ if kind.__module__.startswith("tinygrad_edu."))


def in_own_way(part: Any) -> bool:
    """Whether a subclass of one's own overrides what the class of ``tg.nn`` does that it extends.

    >>> Residual = type("Residual", (Dense,), {"__module__": "mine", "__call__": lambda self, A: A})
    >>> in_own_way(Residual(2, 2)), in_own_way(Dense(2, 2))
    (True, False)
    """
    classes = type(part).__mro__
    ours = [k for k, c in enumerate(classes) if c.__module__.startswith("tinygrad_edu.")]
    own = {name for c in classes[: ours[0]] for name in vars(c)} if ours else set()
    return any(name == "__call__" or (name[0] != "_" and hasattr(classes[ours[0]], name)) for name in own)


def own_code(part: Any) -> dict[str, str]:
    """What says in a layer or a model as data that a part of it is code."""
    return {"own": type(part).__qualname__} if in_own_way(part) else {}


def described(layer: Any) -> Any:
    """A layer, one of its settings, or a function as data that JSON can hold."""
    if isinstance(layer, (str, int, float)):
        return layer
    if isinstance(layer, (tuple, np.dtype)):
        return list(layer) if isinstance(layer, tuple) else str(layer)
    own = getattr(layer, "architecture", None)
    if own is not None:
        return own
    name = getattr(operation(layer), "name", "")
    if OPS.get(name) is operation(layer):
        return {"function": name}
    name = getattr(layer, "__name__", "")
    return {"own": name or type(layer).__qualname__}
