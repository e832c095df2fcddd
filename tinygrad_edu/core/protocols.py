"""NumPy's functions on tensors: NEP 13 (``__array_ufunc__``) and NEP 18 (``__array_function__``).

A function is answered by the operation that names it, else refused by name: no function of NumPy ever
sees a Tensor as a bare array.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.core.table import NUMPY, REFUSED

_OVER_AXES: Mapping[tuple[str, Any], Any] = {
    ("reduce", np.add): np.sum,
    ("reduce", np.multiply): np.prod,
    ("reduce", np.maximum): np.max,
    ("reduce", np.minimum): np.min,
    ("reduce", np.logical_and): np.all,
    ("reduce", np.logical_or): np.any,
    ("accumulate", np.add): np.cumsum,
    ("accumulate", np.multiply): np.cumprod,
}
"""What a method of a ufunc is called as a function, along axis 0 unless told otherwise."""


def ufunc(function: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``np.exp(t)``, ``array * t``, ``np.add.reduce(t)``."""
    if method == "__call__" and not kwargs and function in NUMPY:
        return NUMPY[function](*inputs)
    if kwargs.pop("out", None) is not None:
        raise TypeError(
            f"np.{function.__name__} with out= (or an in-place operator on an array) would write a "
            "Tensor's value into a plain array, which has no history. Use the result instead: a = a + t."
        )
    if (method, function) in _OVER_AXES:
        return NUMPY[_OVER_AXES[method, function]](*inputs, **{"axis": 0, **kwargs})
    if method == "outer" and len(inputs) == 2:
        a, b = inputs
        inputs, method = (np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b), "__call__"
    if method != "__call__":
        raise TypeError(errors.no_rule(f"np.{function.__name__}.{method}"))
    if function not in NUMPY:
        raise TypeError(_refusal(function, f"np.{function.__name__}"))
    return NUMPY[function](*inputs, **kwargs)


def function(function: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
    """``np.sum(t, axis=0)``, ``np.concatenate([t, u])``."""
    if function not in NUMPY:
        module = (getattr(function, "__module__", None) or "numpy").replace("numpy", "np", 1)
        raise TypeError(_refusal(function, f"{module}.{getattr(function, '__name__', function)}"))
    return NUMPY[function](*args, **kwargs)


def _refusal(function: Any, name: str) -> str:
    return f"{name}: {REFUSED[function]}" if function in REFUSED else errors.no_rule(name)
