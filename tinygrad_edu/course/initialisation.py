"""Initial parameters: S6 of the notes, and the schemes of the course's second part.

A seed that is an integer starts NumPy's legacy generator, ``np.random.seed``'s, because the course's
published figures come from it; pass ``np.random.default_rng(...)`` for the present one. The generator of
the module ``np.random`` itself is never touched.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from tinygrad_edu.course.shapes import Array

__all__ = [
    "initialize_parameters", "initialize_parameters_deep", "initialize_parameters_he",
    "initialize_parameters_random", "initialize_parameters_xavier", "initialize_parameters_zeros",
    "initialize_with_zeros",
]  # fmt: skip

Seed: TypeAlias = int | np.random.RandomState | np.random.Generator


def generator(seed: Seed) -> np.random.RandomState | np.random.Generator:
    """A generator as it is; an integer starts the legacy one, as ``np.random.seed(seed)`` does.

    >>> float(generator(1).standard_normal())
    1.6243453636632417
    """
    return np.random.RandomState(seed) if isinstance(seed, int) else seed


SCALES: dict[str, Callable[[int], float]] = {
    "zeros": lambda n_prev: 0.0,
    "random": lambda n_prev: 0.01,
    "xavier": lambda n_prev: float(1 / np.sqrt(n_prev)),
    "he": lambda n_prev: float(np.sqrt(2 / n_prev)),
}
"""The schemes: what a standard normal W[l] (n[l], n[l-1]) is multiplied by, as a function of n[l-1]."""


def initialize_parameters_deep(
    layers_dims: Sequence[int], seed: Seed = 1, scale: str | float = "random"
) -> dict[str, Array]:
    """W[l] = scale · standard normal (n[l], n[l-1]) and b[l] = 0 (n[l], 1), for l = 1..L, drawn in order.

    ``layers_dims`` is (n[0], ..., n[L]); ``scale`` a number or one of zeros, random (0.01), xavier
    (1 / sqrt(n[l-1]); also called LeCun's) and he (sqrt(2 / n[l-1])).

    >>> initialize_parameters_deep([2, 1], seed=1)["W1"]
    array([[ 0.01624345, -0.00611756]])
    >>> initialize_parameters_deep([2])
    Traceback (most recent call last):
    ...
    ValueError: initialize_parameters_deep: expected at least two layer sizes, each at least 1, got [2]
    """
    where = "initialize_parameters_deep"
    sizes = list(layers_dims) if isinstance(layers_dims, (list, tuple, np.ndarray)) else []
    if len(sizes) < 2 or not all(isinstance(n, (int, np.integer)) and n >= 1 for n in sizes):
        raise ValueError(f"{where}: expected at least two layer sizes, each at least 1, got {layers_dims}")
    if isinstance(scale, str) and scale not in SCALES:
        raise ValueError(f"{where}: scale: expected a number or one of {', '.join(SCALES)}, got {scale!r}")
    rng = generator(seed)
    parameters = {}
    for l in range(1, len(sizes)):
        n, n_prev = sizes[l], sizes[l - 1]
        factor = SCALES[scale](n_prev) if isinstance(scale, str) else scale
        parameters[f"W{l}"] = rng.standard_normal((n, n_prev)) * factor
        parameters[f"b{l}"] = np.zeros((n, 1))
    return parameters


def initialize_parameters(n_x: int, n_h: int, n_y: int, seed: Seed = 2) -> dict[str, Array]:
    """S6: a two-layer network's parameters, W = 0.01 · standard normal, b = 0.

    >>> sorted((k, v.shape) for k, v in initialize_parameters(2, 4, 1).items())
    [('W1', (4, 2)), ('W2', (1, 4)), ('b1', (4, 1)), ('b2', (1, 1))]
    """
    return initialize_parameters_deep([n_x, n_h, n_y], seed, "random")


def initialize_parameters_zeros(layers_dims: Sequence[int]) -> dict[str, Array]:
    """All zeros: every unit of a layer then computes the same, at every step (symmetry, S6).

    >>> initialize_parameters_zeros([2, 1])["W1"]
    array([[0., 0.]])
    """
    return {name: np.zeros(value.shape) for name, value in initialize_parameters_deep(layers_dims).items()}


def initialize_parameters_random(layers_dims: Sequence[int], seed: Seed = 3) -> dict[str, Array]:
    """The exercises' example of weights that are too large: W = 10 · standard normal.

    >>> initialize_parameters_random([2, 1], seed=3)["W1"]
    array([[17.88628473,  4.36509851]])
    """
    return initialize_parameters_deep(layers_dims, seed, 10.0)


def initialize_parameters_xavier(layers_dims: Sequence[int], seed: Seed = 1) -> dict[str, Array]:
    """W = standard normal / sqrt(n[l-1]): what the published four-layer figures of the course need.

    Source: X. Glorot, Y. Bengio, AISTATS 2010 (in the course's variant, with n[l-1] alone).

    >>> initialize_parameters_xavier([4, 1], seed=3)["W1"]
    array([[ 0.89431424,  0.21825493,  0.04824873, -0.93174635]])
    """
    return initialize_parameters_deep(layers_dims, seed, "xavier")


def initialize_parameters_he(layers_dims: Sequence[int], seed: Seed = 3) -> dict[str, Array]:
    """W = standard normal · sqrt(2 / n[l-1]), for layers with ReLU.

    Source: K. He et al., *Delving Deep into Rectifiers*, ICCV 2015.

    >>> initialize_parameters_he([2, 1], seed=3)["W1"]
    array([[1.78862847, 0.43650985]])
    """
    return initialize_parameters_deep(layers_dims, seed, "he")


def initialize_with_zeros(dim: int) -> tuple[Array, float]:
    """Logistic regression starts from w = 0 (dim, 1) and b = 0.

    >>> initialize_with_zeros(2)
    (array([[0.],
           [0.]]), 0.0)
    """
    if dim < 1:
        raise ValueError(f"initialize_with_zeros: expected at least one feature, got dim={dim}")
    return np.zeros((dim, 1)), 0.0
