"""What the writer leaves out, because it changes no bit of the value: the book's exact part, and repeats."""

from __future__ import annotations

import numpy as np

from tinygrad_edu.expression.book import rewritten
from tinygrad_edu.expression.node import Node, number
from tinygrad_edu.expression.recording import op_of
from tinygrad_edu.expression.walk import remade, with_args


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
    """Without operations that repeat the operands of elementwise ones, which are broadcast anyway."""
    repeat = op_of(np.broadcast_to)

    def change(one: Node) -> Node:
        args, op = list(one.args), one.op
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
