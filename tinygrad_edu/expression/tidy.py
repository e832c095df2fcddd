"""What the writer leaves out, because it changes no bit of the value: the book's exact part, and repeats."""

from __future__ import annotations

import numpy as np

from tinygrad_edu.expression.book import in_shape, rewritten
from tinygrad_edu.expression.node import Node, applied, number
from tinygrad_edu.expression.recording import op_of
from tinygrad_edu.expression.walk import remade, with_args
from tinygrad_edu.ops.indexing.gather_scatter import getitem


def tidied(node: Node, *, typed: bool = True) -> Node:
    """The same value, as one would write it; of the same dtype, too, where it is ``typed``.

    >>> import tinygrad_edu as tg
    >>> from tinygrad_edu.expression import applied, quantity
    >>> x, y = quantity("x"), quantity("y")
    >>> tidied(applied(tg.add, x, applied(tg.negative, applied(tg.power, y, number(1)))))
    <x - y>
    """
    shorter = rewritten(_unrepeated(node), "exact", typed=typed)
    return shorter if shorter is node else tidied(_unrepeated(shorter), typed=typed)


def _unrepeated(node: Node) -> Node:
    """Without operations that repeat the operands of elementwise ones, which are broadcast anyway.

    Of what is repeated a slice is taken before, since formulas do not show what only repeats.
    """
    repeat = op_of(np.broadcast_to)

    def change(one: Node) -> Node:
        args, op = list(one.args), one.op
        if one.does(getitem) and args[0].does(repeat):
            return _sliced(one, args[0].args[0])
        if op is not None and op.kind == "elementwise" and "axis" not in one.settings:
            for k, operand in enumerate(args):
                if operand.does(repeat) and operand.args[0].dtype == operand.dtype:
                    shapes = [a.shape for a in args[:k] + args[k + 1 :]]
                    if np.broadcast_shapes(operand.args[0].shape, *shapes) == one.shape:
                        args[k] = operand.args[0]
        if op is not None and op.sign is not None and op.sign.place == "prefix" and args[0].is_number:
            return number(-args[0].value)  # the minus sign of a number is its own
        return with_args(one, args)

    return remade(node, change)


def _sliced(one: Node, part: Node) -> Node:
    """What is picked of what repeats a part: the same of the part, along the axes that it has by itself."""
    wide, index = one.args[0], one.settings["index"]
    cuts = index if isinstance(index, tuple) else (index,)
    if not all(type(cut) in (int, slice) for cut in cuts):
        return one
    new = wide.ndim - part.ndim
    own: list[int | slice] = []
    for axis, cut in enumerate(cuts[new:], new):
        repeated = part.shape[axis - new] != wide.shape[axis]
        own.append((slice(None) if isinstance(cut, slice) else 0) if repeated else cut)
    if new == 0 and own == list(cuts):
        return one
    if any(cut != slice(None) for cut in own):
        shape = np.broadcast_to(0, part.shape)[tuple(own)].shape
        part = applied(getitem, part, settings={"index": tuple(own)}, shape=shape, dtype=part.dtype)
    return in_shape(part, one.shape, one.dtype)
