"""Through which operations a factor may be pulled: told by the operation's own rule, not by a list.

An operation is affine in an operand when its derivative by it reads neither the operand nor the value, and
linear when besides it gives 0 for 0: then f(c x) = c f(x), and ``(dZ / m) @ X.T`` is ``dZ @ X.T / m``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

__all__ = ["is_linear"]


def is_linear(op: Op, k: int, shapes: Sequence[tuple[int, ...]], settings: Mapping[str, Any]) -> bool:
    """Whether the operation is linear in its k-th operand, the others held.

    >>> import tinygrad_edu as tg
    >>> is_linear(tg.matmul, 1, [(2, 3), (3, 4)], {}), is_linear(tg.sum, 0, [(3,)], {})
    (True, True)
    >>> is_linear(tg.logsumexp, 0, [(3,)], {}), is_linear(tg.exp, 0, [(3,)], {})
    (False, False)
    """
    if op.kind == "elementwise" or op.variadic or op.pullbacks[k] is None:
        return False  # elementwise operations have their algebra; a sign or a floor is flat, and not linear
    rng = np.random.default_rng(0)
    xs = [rng.uniform(0.5, 1.5, shape) for shape in shapes]
    try:
        with np.errstate(all="ignore"):
            y = op.forward(*xs, **settings)
            at_zero = op.forward(*[x * 0.0 if i == k else x for i, x in enumerate(xs)], **settings)
            return not np.any(at_zero) and not _reads(op, k, xs, y, settings)
    except (TypeError, ValueError, IndexError, np.linalg.LinAlgError):
        return False


def _reads(op: Op, k: int, xs: Sequence[Any], y: Any, settings: Mapping[str, Any]) -> bool:
    """Whether the rule for the operand uses the operand itself or the value."""
    g, value, *operands = [Symbol(v) for v in (np.ones_like(y), y, *xs)]
    rule = op.pullbacks[k]
    assert rule is not None
    behind = [rule(g, value, *operands, **settings)]
    for tensor in behind:
        if tensor is value or tensor is operands[k]:
            return True
        behind += [parent for parent in tensor.parents if isinstance(parent, Tensor)]
    return False
