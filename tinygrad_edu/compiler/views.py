"""Which values are views of their operand's memory, and how values lie in memory."""

from __future__ import annotations

from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.expression.arithmetic import BROADCAST, EXPAND_DIMS, RESHAPE, TRANSPOSE, kernels
from tinygrad_edu.expression.node import Node
from tinygrad_edu.ops.indexing.gather_scatter import getitem
from tinygrad_edu.ops.networks.windows import window_layout, windows

REARRANGED = kernels(TRANSPOSE, RESHAPE, EXPAND_DIMS, BROADCAST)
"""Operations that give a view of their operand's entries."""

_COPIED: WeakKeyDictionary[Node, bool] = WeakKeyDictionary()


def is_view(node: Node) -> bool:
    """Whether its value is a view of its operand's memory."""
    if node.does(RESHAPE):
        return not is_copied(node)
    if node.does(getitem):
        index = node.settings["index"]
        parts = index if isinstance(index, tuple) else (index,)
        looked_at = bool(node.shape) or any(p is Ellipsis for p in parts)  # x[0] is a number, x[..., 0] none
        return looked_at and all(p is None or p is Ellipsis or isinstance(p, (slice, int)) for p in parts)
    return node.kernel in REARRANGED


def behind(node: Node) -> Node:
    """The node whose memory a view shows; the node itself, where it is none."""
    while is_view(node):
        node = node.args[0]
    return node


def is_copied(node: Node) -> bool:
    """Whether it is a reshape for which NumPy has to copy, its operand's entries lying as they do."""
    if not node.does(RESHAPE) or node.settings.get("order", "C") != "C":
        return False
    if node not in _COPIED:
        try:
            _layout(node.args[0]).reshape(node.shape, copy=False)
            _COPIED[node] = False
        except (ValueError, TypeError) as error:  # NumPy 2.0 cannot say
            _COPIED[node] = isinstance(error, ValueError)
    return _COPIED[node]


def _layout(node: Node) -> NDArray[Any]:
    """An array of its shape and strides, as far as they are known: what is computed lies row by row.

    There is no memory behind it: it may be looked at differently, and never read.
    """
    if (is_view(node) and node.settings.get("order", "C") == "C") or (
        node.does(windows) and not _padded(node)
    ):
        x = _layout(node.args[0])
        return (
            x.reshape(node.shape, copy=False) if node.does(RESHAPE) else node.rule.forward(x, **node.settings)
        )
    strides = [prod(node.shape[k + 1 :]) for k in range(node.ndim)]
    return np.lib.stride_tricks.as_strided(np.empty(1, np.int8), node.shape, strides)


def _padded(node: Node) -> bool:
    given = {"stride": 1, "padding": 0, **node.settings}
    margins = window_layout(node.args[0].shape, given["size"], given["stride"], given["padding"])[2]
    return bool(margins != ((0, 0), (0, 0)))
