"""The operations that an operation is composed of, found by running its ``forward`` on Symbols."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.core.mode import ambient
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.symbol import Symbol
from tinygrad_edu.core.tensor import Tensor


def stand_in(shape: tuple[int, ...], dtype: Any) -> Symbol:
    """A Symbol of that shape and dtype, which holds no memory."""
    symbol = Symbol(0.0)
    symbol._data = np.broadcast_to(np.ones((), dtype), shape)[()]
    return symbol


def decomposed(op: Op, operands: Sequence[Any], settings: Mapping[str, Any]) -> Tensor | None:
    """The Tensor that ``op.forward`` records on these operands, Symbols and numbers.

    None where the operation is not written with others: it asks for values, or calls itself.

    >>> import tinygrad_edu as tg
    >>> parts = decomposed(tg.silu, [stand_in((3,), float)], {})
    >>> parts.op.name, [p.op and p.op.name for p in parts.inputs]
    ('multiply', [None, 'sigmoid'])
    """
    outside = ambient.set(None)
    try:
        with np.errstate(all="ignore"):
            result = op.forward(*operands, **settings)
    except (TypeError, ValueError, AttributeError):  # it asks for values
        return None
    finally:
        ambient.reset(outside)
    if not isinstance(result, Tensor) or result.op is op:
        return None
    if result.op is None and not any(result is operand for operand in operands):
        return None
    known = {operand: None for operand in operands if isinstance(operand, Tensor)}
    if any(tensor.op is op for tensor in recorded_since(result, known)):  # itself, between two casts
        return None
    return result


def recorded_since(result: Tensor, known: Mapping[Tensor, Any]) -> list[Tensor]:
    """What was computed on the way from the known Tensors to the result, in the order of recording."""
    return recorded_behind([result] if result not in known else [], known)


def recorded_behind(ends: Iterable[Tensor], known: Mapping[Tensor, Any]) -> list[Tensor]:
    """The ends, and what they were computed from and is not known, in the order of recording."""
    nodes = list(dict.fromkeys(ends))
    seen = set(nodes) | set(known)
    for tensor in nodes:
        for parent in tensor.parents:
            if parent is not None and parent not in seen:
                seen.add(parent)
                nodes.append(parent)
    return sorted(nodes, key=lambda tensor: tensor.seq)
