"""Two independent engines under NumPy's names: PyTorch, and HIPS autograd, the lighter to install."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Callable, Sequence
from functools import reduce
from operator import mul
from types import SimpleNamespace
from typing import Any

import numpy as np

Array = Any
Words = Callable[[Any, Sequence[Any]], Any]
"""A program's ``run``: in the words of a module, on leaves, to a scalar."""


class Differentiated(SimpleNamespace):
    """A program's value, gradients, and Hessian times the directions, an array for each leaf."""

    value: float
    gradients: list[Array]
    products: list[Array]


def with_pytorch(run: Words, leaves: Sequence[Array], directions: Sequence[Array]) -> Differentiated:
    """By PyTorch's double backward."""
    torch = importlib.import_module("torch")
    xs = [torch.tensor(x, requires_grad=True) for x in leaves]
    value = run(_pytorch_s_names(torch), xs)
    gradients = _pytorch_grad(torch, value, xs, create_graph=True)
    along = sum((g * torch.tensor(d)).sum() for g, d in zip(gradients, directions, strict=True))
    products = _pytorch_grad(torch, along, xs, create_graph=False)
    return Differentiated(
        value=value.item(),
        gradients=[g.numpy(force=True) for g in gradients],
        products=[p.numpy(force=True) for p in products],
    )


def _pytorch_grad(torch: Any, y: Any, xs: Sequence[Any], *, create_graph: bool) -> list[Any]:
    if not y.requires_grad:
        return [torch.zeros_like(x) for x in xs]
    found = torch.autograd.grad(y, xs, create_graph=create_graph, allow_unused=True)
    return [torch.zeros_like(x) if g is None else g for x, g in zip(xs, found, strict=True)]


def _pytorch_s_names(torch: Any) -> SimpleNamespace:
    """The functions of NumPy that programs are written in, as PyTorch calls them."""

    def reduction(all_axes: Any, along: Any) -> Any:
        def call(a: Any, axis: int | None = None, keepdims: bool = False) -> Any:
            if axis is not None:
                return along(a, axis, keepdims)
            total = all_axes(a)
            return total.reshape((1,) * a.ndim) if keepdims else total

        return call

    def number(x: Any) -> Any:
        return x if isinstance(x, torch.Tensor) else torch.as_tensor(x, dtype=torch.float64)

    same = (
        "exp", "expm1", "log", "log1p", "sqrt", "square", "tanh", "sinh", "sin", "cos", "arctan", "arctan2",
        "hypot", "logaddexp", "abs", "where", "ravel",
    )  # fmt: skip
    names = {name: getattr(torch, name) for name in same}
    names |= {
        "maximum": lambda a, b: torch.maximum(a, number(b)),
        "minimum": lambda a, b: torch.minimum(a, number(b)),
        "clip": torch.clamp,
        "sum": reduction(torch.sum, lambda a, k, d: a.sum(k, keepdim=d)),
        "mean": reduction(torch.mean, lambda a, k, d: a.mean(k, keepdim=d)),
        "prod": reduction(torch.prod, lambda a, k, d: a.prod(k, keepdim=d)),
        "max": reduction(torch.max, lambda a, k, d: a.amax(k, keepdim=d)),
        "min": reduction(torch.min, lambda a, k, d: a.amin(k, keepdim=d)),
        "var": reduction(lambda a: a.var(correction=0), lambda a, k, d: a.var(k, correction=0, keepdim=d)),
        "std": reduction(lambda a: a.std(correction=0), lambda a, k, d: a.std(k, correction=0, keepdim=d)),
        "cumsum": torch.cumsum,
        "cumprod": torch.cumprod,
        "transpose": lambda a: a.permute(tuple(reversed(range(a.ndim)))),
        "reshape": torch.reshape,
        "expand_dims": torch.unsqueeze,
        "squeeze": torch.squeeze,
        "broadcast_to": torch.broadcast_to,
        "concatenate": lambda xs, axis: torch.cat(xs, dim=axis),
        "stack": lambda xs, axis: torch.stack(xs, dim=axis),
        "split": torch.tensor_split,
        "flip": lambda a: a.flip(tuple(range(a.ndim))),
        "roll": lambda a, n, axis: torch.roll(a, n, dims=axis),
        "tile": torch.tile,
        "repeat": lambda a, n, axis: torch.repeat_interleave(a, n, dim=axis),
        "pad": lambda a, n, mode: torch.nn.functional.pad(a, (n, n) * a.ndim),
        "dot": lambda a, b: a @ b if a.ndim and b.ndim else a * b,
        "outer": lambda a, b: torch.outer(a.ravel(), b.ravel()),
        "einsum": torch.einsum,
        "tensordot": torch.tensordot,
        "trace": torch.trace,
        "take": lambda a, index, axis: a.index_select(axis, torch.as_tensor(index)),
        "take_along_axis": lambda a, index, axis: torch.take_along_dim(a, torch.as_tensor(index), axis),
        "sort": lambda a, axis: torch.sort(a, axis).values,
        "linalg": torch.linalg,
        "array": torch.tensor,
        "eye": lambda n: torch.eye(n, dtype=torch.float64),
    }
    return SimpleNamespace(**names)


def with_hips_autograd(run: Words, leaves: Sequence[Array], directions: Sequence[Array]) -> Differentiated:
    """By HIPS autograd, the gradient of the gradient along the directions."""
    autograd = importlib.import_module("autograd")
    names = _hips_autograd_s_names(importlib.import_module("autograd.numpy"))

    def result(xs: Sequence[Any]) -> Any:
        return run(names, xs)

    def along(xs: Sequence[Any]) -> Any:
        return sum(names.sum(g * d) for g, d in zip(gradient(xs), directions, strict=True))

    gradient, xs = autograd.grad(result), tuple(leaves)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Output seems independent of input")
        gradients, products = gradient(xs), autograd.grad(along)(xs)
    return Differentiated(value=float(result(xs)), gradients=list(gradients), products=list(products))


def _hips_autograd_s_names(anp: Any) -> SimpleNamespace:
    """autograd.numpy, and what it lacks, or has only for some shapes, in terms of the rest."""

    def cumprod(a: Any, axis: int) -> Any:
        rows = [anp.moveaxis(a, axis, 0)[: k + 1] for k in range(a.shape[axis])]
        return anp.stack([reduce(mul, list(row)) for row in rows], axis)

    def take_along_axis(a: Any, index: Any, axis: int) -> Any:
        places = list(np.indices(index.shape))
        places[axis] = index
        return a[tuple(places)]

    others = {
        "broadcast_to": lambda a, shape: a + np.zeros(shape),
        "cumprod": cumprod,
        "flip": lambda a: a[(slice(None, None, -1),) * a.ndim] if a.ndim else a,
        "hypot": lambda a, b: anp.sqrt(a * a + b * b),
        "outer": lambda a, b: anp.ravel(a)[:, None] * anp.ravel(b),
        "sort": lambda a, axis: take_along_axis(a, np.argsort(_bare(a), axis), axis),
        "take": lambda a, index, axis: a[index],
        "take_along_axis": take_along_axis,
        "trace": lambda a: anp.sum(a * np.eye(*a.shape)),
    }
    return SimpleNamespace(**{**vars(anp), **others})


def _bare(a: Any) -> Array:
    """The array inside the boxes in which HIPS autograd traces it."""
    while hasattr(a, "_value"):
        a = a._value
    return a


ENGINES = {"torch": with_pytorch, "autograd": with_hips_autograd}
