"""``check.gradients``: the engine's derivatives against central differences, entry by entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike

from tinygrad_edu.autodiff.gradients import grad
from tinygrad_edu.check.rounding import Array
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import arguments_explained

THRESHOLD = 2e-7
"""The course's: a scaled difference above this means a mistake."""


@dataclass(frozen=True)
class InputCheck:
    """One input: its derivative by the engine and by differences, and which entries disagree.

    >>> import numpy as np, tinygrad_edu as tg
    >>> checked = tg.check.gradients(lambda x: np.sum(x**2), [1.0, 2.0])[0]
    >>> checked.ok, checked.grad.tolist(), checked.difference < 1e-8
    (True, [2.0, 4.0], True)
    """

    name: str
    grad: Array
    numeric: Array
    scaled: Array
    """For each entry, abs(grad - numeric) / (abs(grad) + abs(numeric)); 0 where differences can't tell."""
    kinks: Array
    """Where the function has no derivative, or none that differences could find: not judged."""

    @property
    def difference(self) -> float:
        """The course's figure: ‖grad - numeric‖ / (‖grad‖ + ‖numeric‖), over the entries that are judged."""
        a, b = self.grad[~self.kinks], self.numeric[~self.kinks]
        scale = np.linalg.norm(a) + np.linalg.norm(b)
        return float(np.linalg.norm(a - b) / scale) if scale else 0.0

    @property
    def wrong(self) -> list[tuple[int, ...]]:
        """The places of the entries that disagree."""
        return [tuple(int(k) for k in index) for index in np.argwhere(self.scaled > THRESHOLD)]

    @property
    def ok(self) -> bool:
        """Whether no entry disagrees."""
        return not self.wrong


@dataclass(frozen=True)
class GradientCheck:
    """What :func:`gradients` found, an :class:`InputCheck` for each input.

    >>> import numpy as np, tinygrad_edu as tg
    >>> checked = tg.check.gradients(lambda x, y: np.sum(x * y), [1.0, 2.0], [3.0, 4.0])
    >>> checked.ok, len(checked.inputs), checked.order
    (True, 2, 1)
    """

    inputs: tuple[InputCheck, ...]
    order: int

    @property
    def ok(self) -> bool:
        """Whether every entry of every input agrees."""
        return all(check.ok for check in self.inputs)

    def __bool__(self) -> bool:
        return self.ok

    def __getitem__(self, which: int | str) -> InputCheck:
        if isinstance(which, int):
            return self.inputs[which]
        for check in self.inputs:
            if check.name == which:
                return check
        raise KeyError(f"{which!r} is not an input; there are: {', '.join(c.name for c in self.inputs)}")

    def __iter__(self) -> Iterator[InputCheck]:
        return iter(self.inputs)

    def __str__(self) -> str:
        lines = ["input | shape | difference | verdict"]
        for c in self.inputs:
            verdict = "✓ agrees" if c.ok else f"✗ {len(c.wrong)} of {c.grad.size} entries: {c.wrong[:4]}"
            skipped = f", {int(c.kinks.sum())} at a kink not judged" if c.kinks.any() else ""
            lines.append(f"{c.name} | {c.grad.shape} | {c.difference:.1e} | {verdict}{skipped}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/html": f"<pre>{escape(str(self))}</pre>", "text/plain": str(self)}


@arguments_explained
def gradients(
    f: Callable[..., Tensor], *inputs: ArrayLike | Tensor, order: int = 1, epsilon: float | None = None
) -> GradientCheck:
    """Compares the derivatives of ``f(*inputs)`` with (f(x + ε) - f(x - ε)) / 2ε, entry by entry.

    Args:
        f: takes a Tensor for each input. A result that isn't a scalar is weighted by fixed numbers.
        inputs: arrays or Tensors of floating-point numbers; computed in double precision.
        order: 2 checks the derivative of the derivative (times fixed numbers), and so on.
        epsilon: the step; by default one for each entry, by its size.

    Raises:
        TypeError: an input or the result isn't made of real numbers, or the result isn't a Tensor.
        ValueError: no input, an order below 1, or f gives another value when it is called again.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> bool(tg.check.gradients(lambda x: np.sum(np.exp(x) * x), [1.0, 2.0], order=2))
    True
    """
    if not inputs:
        raise ValueError("gradients: expected at least one input for f")
    asked: Any = order
    if not isinstance(asked, int) or asked < 1:
        raise ValueError(f"gradients: expected order 1, 2, ..., got {order!r}")
    if epsilon is not None and not epsilon > 0:
        raise ValueError(f"gradients: epsilon: expected a step above 0, got {epsilon!r}")
    names = [getattr(x, "name", None) or f"input {k}" for k, x in enumerate(inputs)]
    values = [np.array(_plain(x, n), dtype=np.float64) for n, x in zip(names, inputs, strict=True)]
    slope = _derivative(_scalar(f), values, order - 1)
    tensors = [Tensor(v) for v in values]
    exact = _gradients(slope(*tensors), tensors)
    checks = [_check(name, k, values, np.asarray(exact[k]), slope, epsilon) for k, name in enumerate(names)]
    return GradientCheck(tuple(checks), order)


def _plain(x: Any, name: str) -> Array:
    array = np.asarray(x._data if isinstance(x, Tensor) else x)
    if array.dtype.kind not in "fiu":
        raise TypeError(
            f"gradients: {name}: expected real numbers, got {type(x).__name__} of dtype {array.dtype}"
        )
    return array


def _weights(shape: tuple[int, ...], seed: int) -> Array:
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


def _scalar(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def weighted(*xs: Tensor) -> Tensor:
        y = f(*xs)
        if not isinstance(y, Tensor):
            raise TypeError(f"gradients: expected f to give a Tensor, got {type(y).__name__}")
        result: Any = y if y.ndim == 0 else np.sum(y * _weights(y.shape, 0))
        return cast(Tensor, result)

    return weighted


def _derivative(f: Callable[..., Tensor], values: list[Array], times: int) -> Callable[..., Tensor]:
    """f, differentiated so many times, each time along fixed weights of all inputs."""
    for k in range(times):
        f = _along(f, [_weights(v.shape, 1 + k) for v in values])
    return f


def _along(f: Callable[..., Tensor], directions: list[Array]) -> Callable[..., Tensor]:
    def derivative(*xs: Tensor) -> Tensor:
        variables = [x if x.requires_grad else Tensor(x) for x in xs]
        y = f(*variables)
        if not y.requires_grad:
            return y * 0.0
        slopes = grad(y, variables, create_graph=True)
        total: Any = 0.0
        for slope, direction in zip(slopes, directions, strict=True):
            total = total + np.sum(slope * direction)
        return cast(Tensor, total)

    return derivative


def _gradients(y: Tensor, tensors: list[Tensor]) -> list[Array]:
    return grad(y, tensors) if y.requires_grad else [np.zeros(t.shape) for t in tensors]


def _check(
    name: str, k: int, values: list[Array], exact: Array, f: Callable[..., Tensor], epsilon: float | None
) -> InputCheck:
    numeric, doubt = np.zeros_like(exact), np.zeros_like(exact)
    kinks = np.zeros(exact.shape, bool)
    centre = _centre(f, values)
    for index in np.ndindex(exact.shape):
        x, root = float(values[k][index]), float(np.finfo(float).eps) ** (1 / 3)
        steps = [epsilon] if epsilon is not None else [root * max(1.0, abs(x))]
        if epsilon is None and 0 < abs(x) < 1:
            steps += [0.1 * abs(x), root * abs(x)]  # near 0 f may be another a step away: relu, 1/x
        for h in steps:
            near, off, kink = _slope(f, values, k, index, h, centre)
            if h != steps[0] and off > 1e-5 * (abs(exact[index]) + abs(numeric[index])):
                continue  # such a step tells nothing: rounding, or a bend, hides the slope
            numeric[index], doubt[index], kinks[index] = near, off, kink
            if kink or abs(exact[index] - near) <= 4 * off:
                break
    with np.errstate(all="ignore"):
        scaled = np.maximum(np.abs(exact - numeric) - 4 * doubt, 0) / (np.abs(exact) + np.abs(numeric))
    return InputCheck(name, exact, numeric, np.where(kinks | (scaled != scaled), 0.0, scaled), kinks)


def _slope(
    f: Callable[..., Tensor], values: list[Array], k: int, index: tuple[int, ...], h: float, centre: float
) -> tuple[float, float, bool]:
    """The central difference at one entry, how far it may be off, and whether there is a kink."""
    at = {s: _value(f, _moved(values, k, index, s * h)) for s in (-2, -1, 1, 2)}
    near, far = (at[1] - at[-1]) / (2 * h), (at[2] - at[-2]) / (4 * h)
    noise = 8 * np.finfo(float).eps * max(abs(v) for v in (*at.values(), centre)) / h
    left, right = (centre - at[-1]) / h, (at[1] - centre) / h
    bend = abs((at[2] - 2 * at[1] + centre) - (centre - 2 * at[-1] + at[-2])) / h
    kink = not np.isfinite(near) or (
        abs(right - left) > 1e-3 * (abs(right) + abs(left)) + 4 * noise and bend < 1e-2 * abs(right - left)
    )
    return near, abs(near - far) + noise, bool(kink)


def _centre(f: Callable[..., Tensor], values: list[Array]) -> float:
    """The value where the derivative is asked for, which is the same each time."""
    first, again = _value(f, values), _value(f, values)
    if abs(first - again) > 1e-9 * (abs(first) + abs(again)):
        raise ValueError(
            f"gradients: expected f to give the same value each time, got {first:.6g} and then {again:.6g}: "
            "does it draw random numbers? Draw them once, outside f"
        )
    return first


def _value(f: Callable[..., Tensor], values: list[Array]) -> float:
    return float(f(*(Tensor(v) for v in values)).item())


def _moved(values: list[Array], k: int, index: tuple[int, ...], step: float) -> list[Array]:
    moved = list(values)
    moved[k] = values[k].copy()
    moved[k][index] += step
    return moved
