"""``check.function``: a hand-written backward pass, run on several random inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from tinygrad_edu.check.calling import arguments_for, gradients_of, plain, recorded
from tinygrad_edu.check.comparison import compared
from tinygrad_edu.check.manual import given_arrays
from tinygrad_edu.check.report import Report
from tinygrad_edu.check.rounding import Array
from tinygrad_edu.check.runs import several
from tinygrad_edu.check.truth import Convention, Truth
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import arguments_explained

_LABELS = ("Y", "y")
_DATA = ("X", "x", "A0")


@arguments_explained
def function(
    backward: Callable[..., Any],
    loss: Any,
    shapes: Mapping[str, tuple[int, ...] | Array | Callable[..., Any]],
    *,
    runs: int = 3,
    seed: int = 0,
    convention: Convention | None = None,
) -> Report:
    """Runs a backward pass written by hand on several random inputs, and says which line of it is wrong.

    Args:
        backward: takes arrays by the names of its parameters: those in ``shapes``, and any quantity that
            ``loss`` computes (``Z1``, ``A1``, ``m``); ``params`` is the dict of all parameters, and ``cache``
            that of all quantities. Gives a dict such as ``{"dW1": dW1, "db1": db1}``.
        loss: the cost J as a function of Tensors, by the same names, in NumPy; or a model with ``loss(X, Y)``
            and ``parameters()``.
        shapes: for each input its shape, or the array itself, or a function of a random generator. Names that
            begin with X or Y are data; Y is 0 or 1, one-hot where it has several rows.
        runs: how many random inputs; several tell apart mistakes that coincide on one.
        seed: of the random inputs.
        convention: as for :func:`compare`.

    Raises:
        TypeError: a parameter's name is unknown, or something is returned that can't be compared.
        ValueError: fewer than one run.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> def loss(W, b, X, Y):
    ...     Z = W @ X + b
    ...     return np.sum((Z - Y) ** 2) / (2 * X.shape[1])
    >>> def backward(Z, X, Y):
    ...     dZ = Z - Y
    ...     return {"dW": dZ @ X.T, "db": np.mean(dZ, axis=1, keepdims=True)}
    >>> shapes = {"W": (1, 5), "b": (1, 1), "X": (5, 7), "Y": (1, 7)}
    >>> report = tg.check.function(backward, loss, shapes)
    >>> report["dW"].diagnosis.codes, report["db"].ok
    (('factor_m_missing',), True)
    """
    if runs < 1:
        raise ValueError(f"function: expected at least one run, got {runs}")
    parameters = _parameters_of(loss)
    f = loss.loss if parameters else loss
    reports = []
    for k in range(runs):
        rng = np.random.default_rng(seed + k)
        values = random_values(shapes, rng)
        reports.append(_one(backward, f, values, parameters, rng, convention))
    return several(reports, backward)


def _parameters_of(model: Any) -> dict[str, Tensor]:
    if not hasattr(model, "loss") or not hasattr(model, "parameters"):
        return {}
    return dict(model.parameters())


def random_values(shapes: Mapping[str, Any], rng: np.random.Generator) -> dict[str, Any]:
    """Random inputs of the given shapes; labels are 0 or 1, or one-hot columns."""
    values: dict[str, Any] = {}
    for name, shape in shapes.items():
        if callable(shape):
            values[name] = shape(rng)
        elif isinstance(shape, tuple):
            values[name] = (
                _labels(shape, rng) if name.startswith(_LABELS) else np.asarray(rng.standard_normal(shape))
            )
        else:
            values[name] = shape
    return values


def _labels(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    if len(shape) == 2 and shape[0] > 1:
        return np.asarray(np.eye(shape[0])[rng.integers(0, shape[0], shape[1])].T)
    return (rng.random(shape) < 0.5).astype(float)


def _one(
    backward: Callable[..., Any],
    loss: Callable[..., Any],
    values: dict[str, Any],
    model: dict[str, Tensor],
    rng: np.random.Generator,
    convention: Convention | None,
) -> Report:
    for name, tensor in model.items():
        tensor.data = rng.standard_normal(tensor.shape) * 0.5
        values.setdefault(name, tensor)
    tensors = {
        name: value if isinstance(value, Tensor) or not _variable(name, value) else Tensor(value, name=name)
        for name, value in values.items()
    }
    parameters = {name: t for name, t in tensors.items() if isinstance(t, Tensor)}
    J, variables = recorded(loss, arguments_for(loss, tensors, parameters))
    J = J[0] if isinstance(J, tuple) else J
    if not isinstance(J, Tensor):
        raise TypeError(f"function: expected the loss to give a Tensor, got {type(J).__name__}")
    return _compared_with(backward, J, {**variables, **tensors}, list(parameters), convention)


def _variable(name: str, value: Any) -> bool:
    return (
        isinstance(value, np.ndarray) and value.dtype.kind == "f" and not name.startswith((*_LABELS, *_DATA))
    )


def _compared_with(
    backward: Callable[..., Any],
    J: Tensor,
    variables: Mapping[str, Any],
    parameters: list[str],
    convention: Convention | None,
) -> Report:
    """The backward pass against J, given the forward pass's variables by name."""
    names = {
        v: k for k, v in reversed(list(variables.items())) if isinstance(v, Tensor) and not k.startswith("_")
    }
    truth = Truth(J, names=names)
    arrays = {node.name: np.array(node.value) for node in truth.graph if node.named}
    values = {
        **{k: plain(v) for k, v in variables.items()},
        **{k: arrays[k] for k in arrays if k not in variables},
    }
    values.setdefault("m", truth.m)
    gradients, on_the_way = gradients_of(backward, values, {k: values[k] for k in parameters})
    report = compared(truth, given_arrays(gradients), convention)
    if report.ok or not on_the_way:
        return report
    # Something is wrong: what was computed on the way, in whichever convention, shows where it began.
    everything = given_arrays({**on_the_way, **gradients})
    return compared(truth, everything, convention)
