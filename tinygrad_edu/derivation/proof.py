"""Proves by algebra that a formula derived by hand equals the derived one, for all values."""

from __future__ import annotations

import numpy as np

from tinygrad_edu.derivation.chain_rule import Chain
from tinygrad_edu.expression.arithmetic import SUBTRACT
from tinygrad_edu.expression.node import Node, applied, quantity
from tinygrad_edu.expression.parsing import parsed
from tinygrad_edu.expression.walk import replaced


def is_same(chain: Chain, name: str, formula: str) -> bool:
    """Whether that line's formula equals the given one, entry by entry, by SymPy's algebra.

    The formula may use every quantity of the derivation, and m. True is a proof; False says that none was
    found, which for a formula that is right can only be for want of a rule about what isn't arithmetic.
    """
    (line,) = (line for line in (*chain.forward, *chain.backward) if line.name == name)
    hand = parsed(formula, _known(chain))
    if np.broadcast_shapes(hand.shape, line.step.shape) != line.step.shape:
        return False
    gap: Node = applied(SUBTRACT, hand, line.on_paper)
    algebra = chain.algebra
    if algebra.simplest(algebra.form(gap), on_paper=True) == 0:
        return True
    further = {other.quantity: other.on_paper for other in chain.backward if other.name != name}
    for _ in further:  # gradients in terms of those further back, until nothing is left to put in
        deeper = replaced(gap, further)
        if deeper == gap:
            break
        gap = deeper
        if algebra.simplest(algebra.form(gap), on_paper=True) == 0:
            return True
    return False


def _known(chain: Chain) -> dict[str, Node]:
    """What a formula may name: the quantities of the derivation, and m."""
    return {
        chain.m.called: chain.m,
        **{step.name: quantity(step.name, step.shape, step.dtype) for step in chain.inputs},
        **{line.name: line.quantity for line in (*chain.forward, *chain.backward)},
    }
