"""Pictures of training, by matplotlib (extra ``plot``): costs, boundaries, descent, weights, gradients."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.autodiff import func
from tinygrad_edu.core.arguments import plain
from tinygrad_edu.core.mode import no_grad
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.nn.figures import figure as new_figure
from tinygrad_edu.nn.figures import saved
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.layers import ACTIVATIONS
from tinygrad_edu.settings import numbers

__all__ = ["activations", "costs", "decision_boundary", "descent", "gradient_norms", "tangents", "weights"]

Array = NDArray[Any]
Path = str | os.PathLike[str] | None
_BLUE, _RED, _GREY = "#2c6fbb", "#b3261e", "#5f6368"
_FOUR = ("sigmoid", "tanh", "relu", "leaky_relu")
_FINE = 200  # points a side of a grid


@arguments_explained
def costs(histories: Mapping[str, History], path: Path = None) -> Any:
    """The cost curves of several runs in one picture, as for several learning rates (course: C3).

    Args:
        histories: the histories that ``fit`` returned, by their names in the legend.
        path: where to save the picture (.png, .svg, .pdf); None only returns it.

    Returns:
        The matplotlib ``Figure``.

    Raises:
        MissingExtraError: without matplotlib.
        ValueError: no history, or an empty one.

    >>> from tinygrad_edu.nn.history import History
    >>> figure = costs({"0.1": History(cost=[0.7, 0.5]), "0.01": History(cost=[0.7, 0.68])})
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['0.1', '0.01']
    """
    if not isinstance(histories, Mapping):
        raise TypeError(
            f'costs: expected histories by name, {{"0.1": history}}, got {type(histories).__name__}'
        )
    empty = [name for name, history in histories.items() if not getattr(history, "cost", None)]
    if not histories or empty:
        raise ValueError(f"costs: expected histories of training, got {empty or 'none'} without an update")
    figure = new_figure(7, 4)
    axes = figure.add_subplot()
    for name, history in histories.items():
        axes.plot(history.cost, lw=2, label=str(name))
    axes.set(xlabel="update", ylabel="cost J")
    axes.grid(alpha=0.3)
    axes.legend()
    return saved(figure, path)


@arguments_explained
def decision_boundary(model: Any, X: Any, Y: Any, path: Path = None) -> Any:
    """What a model predicts over the plane of its two inputs, with the examples in it.

    Args:
        model: anything whose ``predict(X)`` gives classes of (2, m) inputs: ``tg.nn`` models, or a function.
        X: the inputs, (2, m).
        Y: the labels, (1, m), or one-hot (classes, m).
        path: where to save the picture; None only returns it.

    Returns:
        The matplotlib ``Figure``.

    Raises:
        MissingExtraError: without matplotlib.
        ValueError: other than two inputs.

    >>> X, Y = np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([[0, 1]])
    >>> figure = decision_boundary(lambda X: (X.sum(axis=0, keepdims=True) > 1) * 1, X, Y)
    >>> figure.axes[0].get_xlabel()
    'x1'
    """
    X, Y = (numbers(f"decision_boundary: {name}", plain(v)) for name, v in (("X", X), ("Y", Y)))
    if X.ndim != 2 or X.shape[0] != 2:
        raise ValueError(f"decision_boundary: expected X of shape (2, m), got {X.shape}")
    if Y.shape[-1:] != X.shape[1:]:
        raise ValueError(f"decision_boundary: expected a label Y for each of X {X.shape}, got {Y.shape}")
    predict = getattr(model, "predict", model)
    if not callable(predict):
        raise TypeError(f"decision_boundary: expected a model with predict(X), or a function, got {model!r}")
    (low1, low2), (high1, high2) = X.min(axis=1) - 0.5, X.max(axis=1) + 0.5
    x1, x2 = np.meshgrid(np.linspace(low1, high1, _FINE), np.linspace(low2, high2, _FINE))
    regions = _classes(np.asarray(predict(np.stack([x1.ravel(), x2.ravel()])))).reshape(x1.shape)
    figure = new_figure(6, 5)
    axes = figure.add_subplot()
    axes.contourf(x1, x2, regions, levels=np.arange(-0.5, regions.max() + 1), cmap="coolwarm", alpha=0.35)
    axes.scatter(*X, c=_classes(Y), cmap="coolwarm", edgecolors="black", s=24)
    axes.set(xlabel="x1", ylabel="x2")
    return saved(figure, path)


def _numbers(called: str, steps: Any) -> Array:
    try:
        return np.asarray(steps, float)
    except (TypeError, ValueError):
        raise TypeError(f"{called}: expected the steps as numbers, got {steps!r}") from None


def _classes(Y: Array) -> Array:
    Y = np.atleast_2d(Y)
    found: Array = np.argmax(Y, axis=0) if len(Y) > 1 else (Y[0] > 0.5).astype(int)
    return found


@arguments_explained
def descent(cost: Callable[[Any, Any], Any], steps: Sequence[Sequence[float]], path: Path = None) -> Any:
    """The path of gradient descent on J(w, b), as contour lines and as a surface (course: figures 3 and 4).

    Args:
        cost: J of two numbers, w and b.
        steps: the (w, b) of each step, first to last.
        path: where to save the picture; None only returns it.

    Returns:
        The matplotlib ``Figure``.

    Raises:
        MissingExtraError: without matplotlib.
        ValueError: steps that are not pairs of finite numbers.

    >>> figure = descent(lambda w, b: w**2 + 3 * b**2, [(2.0, 1.0), (1.6, 0.4), (1.3, 0.2)])
    >>> len(figure.axes)
    2
    """
    points = _numbers("descent", steps)
    if points.ndim != 2 or points.shape[1:] != (2,) or not np.isfinite(points).all():
        raise ValueError(f"descent: expected pairs (w, b) of finite numbers, got an array {points.shape}")
    middle, reach = points.mean(axis=0), np.maximum(1.3 * np.ptp(points, axis=0), 1e-3)
    w, b = (np.linspace(c - r, c + r, 60) for c, r in zip(middle, reach, strict=True))
    surface = np.array([[float(cost(x, y)) for x in w] for y in b])
    heights = [float(cost(x, y)) for x, y in points]
    figure = new_figure(11, 4.5)
    flat, solid = figure.add_subplot(1, 2, 1), figure.add_subplot(1, 2, 2, projection="3d")
    flat.contour(w, b, surface, levels=20, cmap="viridis")
    flat.plot(*points.T, "o-", color=_RED, ms=4)
    flat.set(xlabel="w", ylabel="b")
    solid.plot_surface(*np.meshgrid(w, b), surface, cmap="viridis", alpha=0.6)
    solid.plot(*points.T, heights, "o-", color=_RED, ms=4, zorder=5)
    solid.set(xlabel="w", ylabel="b", zlabel="J")
    return saved(figure, path)


@arguments_explained
def tangents(cost: Callable[[Any], Any], steps: Sequence[float], path: Path = None) -> Any:
    """J(w) with the steps of gradient descent and the slope at each, dJ/dw by autodiff (course: figure 5).

    Args:
        cost: J of one number w, written so that it takes a Tensor.
        steps: the w of each step, first to last.
        path: where to save the picture; None only returns it.

    Returns:
        The matplotlib ``Figure``.

    Raises:
        MissingExtraError: without matplotlib.
        ValueError: no steps, or some that are not finite.

    >>> figure = tangents(lambda w: (w - 1) ** 2, [3.0, 2.2, 1.7])
    >>> len(figure.axes[0].lines)  # the curve, three tangents, the steps
    5
    """
    points = _numbers("tangents", steps)
    if points.ndim != 1 or not points.size or not np.isfinite(points).all():
        raise ValueError(f"tangents: expected finite numbers w, got an array {points.shape}")
    reach = max(float(np.ptp(points)), 1e-3)
    w = np.linspace(points.min() - reach / 2, points.max() + reach / 2, _FINE)
    figure = new_figure(7, 4.5)
    axes = figure.add_subplot()
    axes.plot(w, [float(cost(x)) for x in w], color=_BLUE, lw=2)
    slope = func.grad(cost)
    for x in points:
        with no_grad():  # where the cost reads other Tensors, the slope is one too
            J, rise = float(cost(x)), float(np.asarray(slope(x)))
        near = np.array([x - reach / 4, x + reach / 4])
        axes.plot(near, J + rise * (near - x), color=_GREY, lw=1)
        side, outside = ("right", -8) if rise < 0 else ("left", 8)  # where the curve is not
        place = {"xytext": (outside, -10), "textcoords": "offset points", "ha": side}
        axes.annotate(f"dJ/dw = {rise:.3g}", (x, J), fontsize=8, **place)
    axes.plot(points, [float(cost(x)) for x in points], "o-", color=_RED)
    axes.set(xlabel="w", ylabel="J(w)")
    axes.grid(alpha=0.3)
    return saved(figure, path)


@arguments_explained
def weights(W: Any, shape: tuple[int, ...], path: Path = None) -> Any:
    """The incoming weights of each unit as an image: each row of W[1].

    Args:
        W: the weights of a first layer, (n_1, n_x).
        shape: of one image, (height, width) or (height, width, 3), with n_x entries.
        path: where to save the picture; None only returns it.

    Returns:
        The matplotlib ``Figure``.

    Raises:
        MissingExtraError: without matplotlib.
        ValueError: rows that do not have as many entries as the shape.

    >>> len(weights(np.arange(12.0).reshape(3, 4), (2, 2)).axes)
    3
    """
    rows = np.atleast_2d(np.asarray(W.data if isinstance(W, Tensor) else W))
    if rows.ndim != 2 or rows.shape[1] != math.prod(shape):
        raise ValueError(
            f"weights: expected rows of {math.prod(shape)} weights for {shape}, got {rows.shape}"
        )
    columns = min(8, len(rows))
    lines = -(-len(rows) // columns)
    figure = new_figure(1.3 * columns, 1.4 * lines)
    for k, row in enumerate(rows):
        axes = figure.add_subplot(lines, columns, k + 1)
        largest = float(np.abs(row).max()) or 1.0
        image = row.reshape(shape)
        shown = 0.5 + image / (2 * largest) if len(shape) == 3 else image
        axes.imshow(shown, cmap="RdBu_r", vmin=-largest, vmax=largest)
        axes.set_title(f"unit {k + 1}", fontsize=8)
        axes.axis("off")
    return saved(figure, path)


@arguments_explained
def activations(path: Path = None, *, names: Sequence[str] = _FOUR) -> Any:
    """The activations g(z) and, beneath each, its slope g'(z) by autodiff (course: A1 to A4).

    Args:
        path: where to save the picture; None only returns it.
        names: which ones.

    Returns:
        The matplotlib ``Figure``.

    Raises:
        MissingExtraError: without matplotlib.
        ValueError: a name that is none of sigmoid, tanh, relu and leaky_relu.

    >>> len(activations(names=("sigmoid", "tanh")).axes)
    4
    """
    for name in names:
        if name not in _FOUR:
            raise ValueError(f"activations: expected names of {', '.join(_FOUR)}, got {name!r}")
    z = np.linspace(-4, 4, _FINE)
    figure = new_figure(3 * len(names), 5)
    for k, name in enumerate(names):
        variable = Tensor(z)
        value = ACTIVATIONS[name](variable)
        value.backward(np.ones_like(z))
        assert variable.grad is not None
        shown = ((value.data, _BLUE, f"g(z) = {name}"), (variable.grad, _RED, "g'(z)"))
        for row, (y, colour, title) in enumerate(shown):
            axes = figure.add_subplot(2, len(names), k + 1 + row * len(names))
            axes.plot(z, np.asarray(y), color=colour, lw=2)
            axes.set_title(title, fontsize=9)
            axes.grid(alpha=0.3)
    return saved(figure, path)


@arguments_explained
def gradient_norms(gradients: Sequence[Mapping[str, Any]], path: Path = None) -> Any:
    """The norm of each parameter's gradient over the updates: shows vanishing and exploding gradients.

    Args:
        gradients: for each update a dict from the parameter's name to its gradient.
        path: where to save the picture; None only returns it.

    Returns:
        The matplotlib ``Figure``.

    Raises:
        MissingExtraError: without matplotlib.
        ValueError: no gradients.

    >>> figure = gradient_norms([{"W1": np.ones((2, 3)), "W2": np.ones((1, 2))}, {"W1": np.ones((2, 3))}])
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['dW1', 'dW2']
    """
    if not isinstance(gradients, (list, tuple)):
        raise TypeError(
            f"gradient_norms: expected a list of gradients by name, got {type(gradients).__name__}"
        )
    if not gradients or not any(gradients):
        raise ValueError("gradient_norms: expected the gradients of at least one update, got none")
    figure = new_figure(7, 4)
    axes = figure.add_subplot()
    for name in dict.fromkeys(name for update in gradients for name in update):
        sizes = [np.linalg.norm(np.asarray(update.get(name, np.nan), float)) for update in gradients]
        axes.plot(sizes, lw=1.5, label=f"d{name}")
    axes.set(xlabel="update", ylabel="‖gradient‖", yscale="log")
    axes.grid(alpha=0.3)
    axes.legend()
    return saved(figure, path)
