"""One derivative rule, run: on arrays, or on Tensors; its result in the shape and dtype of the operand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.core.mode import Ambient, ambient
from tinygrad_edu.core.table import OPS

NOTHING: Mapping[int, Any] = MappingProxyType({})


def fitted(g: Any, value: Any) -> Any:
    """A gradient in the shape and dtype of its input: broadcasting is undone here, and only here."""
    if g.shape != value.shape:
        wide = np.broadcast_shapes(g.shape, value.shape)
        if g.shape != wide:  # a rule may return a gradient that is still to be broadcast
            g = OPS["broadcast_to"](g, shape=wide)
        if wide != value.shape:
            g = OPS["sum_to"](g, shape=value.shape)
    if g.dtype == value.dtype:
        return g
    if value.dtype.kind != "f":  # requires_grad was set on a leaf of integers
        raise TypeError(errors.NOT_DIFFERENTIABLE.format(dtype=value.dtype))
    return OPS["astype"](g, dtype=value.dtype)


def recorded_rule(rule: Callable[..., Any], g: Any, node: Any, instead: Mapping[int, Any] = NOTHING) -> Any:
    """One gradient of a backward pass that is itself recorded: the rule runs on Tensors.

    ``instead`` has, for some of the operands, where they are to be taken; elsewhere they are 0.
    """
    ambient.set(Ambient(scope=node.scope))
    xs = [x if p is None else p for p, x in zip(node.parents, node.saved, strict=True)]
    for k, counts in instead.items():
        xs[k] = OPS["where"](counts, xs[k], 0.0)
    gx = rule(g, node, *xs, **node.settings)
    if not hasattr(gx, "seq"):  # a rule may give a plain constant
        gx = type(g)(gx, requires_grad=False)
    return OPS["positive"](g) if gx is g else gx  # a node for each: du = dv
