"""Initial weights: a standard normal (n[l], n[l-1]) times a scale that depends on n[l-1]. Course: S6.

An integer as seed starts NumPy's legacy generator, ``np.random.seed``'s, because the course's published
figures come from it; pass ``np.random.default_rng(...)`` for the present one. The generator of the
module ``np.random`` itself is never touched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.settings import at_least, finite, numbers, taking

__all__ = ["SCHEMES", "Scheme", "Seed", "generator", "he", "initial", "normal", "xavier", "zeros"]

Seed: TypeAlias = int | np.random.RandomState | np.random.Generator | None
Shape: TypeAlias = tuple[int, int]
Scheme: TypeAlias = str | float | Callable[[Shape, Seed], Any]
"""A name in ``SCHEMES``, a number to scale a standard normal by, or a function of shape and generator."""


def generator(seed: Seed = None) -> np.random.RandomState | np.random.Generator:
    """A generator as it is; for an integer the legacy one of ``np.random.seed``; for None an unseeded one.

    >>> float(generator(1).standard_normal())
    1.6243453636632417
    """
    if isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed: expected an integer from 0 to below 2**32, got {seed}")
        return np.random.RandomState(seed)
    if seed is None:
        return np.random.default_rng()
    if isinstance(seed, (np.random.RandomState, np.random.Generator)):
        return seed
    raise TypeError(f"seed: expected an integer, a NumPy generator or None, got {seed!r}")


@arguments_explained
def zeros(shape: Shape, seed: Seed = None) -> NDArray[np.float64]:  # noqa: ARG001  (a scheme takes both)
    """All zeros: right for logistic regression; in a deeper network all units of a layer then stay alike.

    >>> zeros((1, 2))
    array([[0., 0.]])
    """
    _units_before("zeros", shape)
    return np.zeros(shape)


@arguments_explained
def normal(shape: Shape, seed: Seed = None, *, scale: float = 0.01) -> NDArray[np.float64]:
    """Small random weights, ``scale`` times a standard normal, so that units differ. Course: S6.

    >>> normal((1, 2), seed=1)
    array([[ 0.01624345, -0.00611756]])
    """
    _units_before("normal", shape)
    return np.asarray(generator(seed).standard_normal(shape) * at_least("normal: scale", scale, 0))


@arguments_explained
def xavier(shape: Shape, seed: Seed = None) -> NDArray[np.float64]:
    """A standard normal over sqrt(n[l-1]): keeps the variance from layer to layer, for tanh and sigmoid.

    Source: X. Glorot, Y. Bengio, AISTATS 2010, in the course's variant, with n[l-1] alone.

    >>> xavier((1, 4), seed=3)
    array([[ 0.89431424,  0.21825493,  0.04824873, -0.93174635]])
    """
    n_prev = _units_before("xavier", shape)
    # Division, as in the exercise: multiplying by the inverse would round differently from its figures.
    return np.asarray(generator(seed).standard_normal(shape) / np.sqrt(n_prev))


@arguments_explained
def he(shape: Shape, seed: Seed = None) -> NDArray[np.float64]:
    """A standard normal times sqrt(2 / n[l-1]): keeps the variance for ReLU, which sets half of Z to 0.

    Source: K. He et al., *Delving Deep into Rectifiers*, ICCV 2015.

    >>> he((1, 2), seed=3)
    array([[1.78862847, 0.43650985]])
    """
    n_prev = _units_before("he", shape)
    return np.asarray(generator(seed).standard_normal(shape) * np.sqrt(2.0 / n_prev))


def _units_before(scheme: str, shape: Any) -> int:
    if (
        not isinstance(shape, (tuple, list))
        or len(shape) < 2
        or not all(isinstance(n, (int, np.integer)) and n >= 0 for n in shape)
    ):
        raise TypeError(f"{scheme}: expected a shape (n[l], n[l-1]), got {shape!r}")
    return int(shape[1])


SCHEMES: dict[str, Callable[[Shape, Seed], NDArray[np.float64]]] = {
    "zeros": zeros,
    "random": normal,
    "xavier": xavier,
    "he": he,
}
"""The schemes by the name that ``init=`` takes."""


def initial(shape: Shape, scheme: Scheme, seed: Seed = None) -> NDArray[Any]:
    """Weights of that shape by a scheme: its name, a scale, or a function ``(shape, generator) -> array``.

    Raises:
        ValueError: an unknown name, or a function's array has another shape.

    >>> initial((1, 2), 10.0, seed=3)
    array([[17.88628473,  4.36509851]])
    """
    seed = generator(seed)
    if isinstance(scheme, str):
        if scheme not in SCHEMES:
            raise ValueError(
                f"init: expected a number, a function or one of {', '.join(SCHEMES)}, got {scheme!r}"
            )
        return SCHEMES[scheme](shape, seed)
    if not callable(scheme):
        if isinstance(scheme, bool) or not isinstance(scheme, (int, float, np.number)):
            known = ", ".join(SCHEMES)
            raise TypeError(f"init: expected a number, a function or one of {known}, got {scheme!r}")
        return normal(shape, seed, scale=at_least("init", scheme, 0))
    weights = numbers("init", taking("init", scheme, "shape, generator")(shape, seed))
    if weights.shape != shape:
        raise ValueError(f"init: expected weights of shape {shape}, got {weights.shape}")
    return finite("init", weights)
