"""``check.explain``: the chain rule for one quantity, in words, formulas and values."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from tinygrad_edu.check.diagnosis.steps import feeds, joins
from tinygrad_edu.check.diagnosis.words import Words
from tinygrad_edu.check.rounding import Array
from tinygrad_edu.check.truth import Convention, Truth
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.derivation import derive
from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.graph import GraphNode


@dataclass(frozen=True)
class Line:
    """One step of the chain rule."""

    name: str
    words: str
    formula: str
    latex: str
    value: Array


@dataclass(frozen=True)
class Explained:
    """The chain rule for one quantity: ``lines`` from the output down to it. Prints itself.

    >>> import numpy as np, tinygrad_edu as tg
    >>> w = tg.Tensor([1.0, 2.0])
    >>> J = np.sum(w**2)
    >>> [line.formula for line in tg.check.explain(J, "w").lines]
    ['dw = 2 * w']
    """

    name: str
    lines: tuple[Line, ...]
    convention: str

    def __str__(self) -> str:
        told = [f"How {self.name} comes about (convention: {self.convention}):"]
        for k, line in enumerate(self.lines, 1):
            told += [f"{k}. {line.words}", f"   {line.formula}", f"   = {_brief(line.value)}"]
        return "\n".join(told)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        items = "".join(
            f"<li>{escape(line.words)}<br>${line.latex}$<br><code>{escape(_brief(line.value))}</code></li>"
            for line in self.lines
        )
        return {
            "text/html": f"<p>How {escape(self.name)} comes about:</p><ol>{items}</ol>",
            "text/plain": str(self),
        }


@arguments_explained
def explain(J: Tensor, which: str | Tensor, *, convention: Convention = "course") -> Explained:
    """Tells the chain rule from J to one quantity.

    Args:
        J: the cost, a scalar Tensor.
        which: the quantity, as ``"W1"``, ``"dW1"``, or its Tensor.
        convention: as for :func:`compare`.

    Raises:
        KeyError: there is no such quantity.
        MissingExtraError: SymPy isn't installed (extra ``derive``).

    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    >>> u = b * c
    >>> J = 3 * (a + u)
    >>> print(tg.check.explain(J, "b"))
    How db comes about (convention: exact):
    1. J depends on u: du says how much.
       du = 3
       = 3
    2. b is multiplied by c, so the gradient is too.
       db = c * du
       = 6
    """
    truth = Truth(J)
    if isinstance(which, str) and which in truth.values:
        which = f"d{which}"
    name = truth.quantity(which)
    derivation = derive(J, wrt=[truth.graph.find(name).tensor], convention=convention, names=_names(truth))
    uses = _Uses(truth)
    lines = []
    before = None
    for step in derivation.steps:
        if step.of is None or step.of == truth.output:
            continue
        words = f"{truth.output} depends on {step.of}: d{step.of} says how much."
        if before is not None:
            words = uses.told(step.of) or f"d{step.of} follows from {before} by the chain rule."
        lines.append(Line(step.name, words, step.formula, step.latex, np.asarray(step.value)))
        before = step.name
    return Explained(f"d{name}", tuple(lines), derivation.convention)


def _names(truth: Truth) -> dict[str, Tensor]:
    return {node.name: node.tensor for node in truth.graph if node.named}


class _Uses:
    """How quantities are used further on, in words: told from what operations are, not from names."""

    def __init__(self, truth: Truth) -> None:
        self.graph, self.words = truth.graph, Words(truth.program)
        self.users: dict[GraphNode, list[GraphNode]] = {}
        for node in truth.graph:
            for used in dict.fromkeys(node.inputs):
                if node.requires_grad:
                    self.users.setdefault(used, []).append(node)

    def told(self, of: str) -> str:
        """The sentence for a quantity; empty where several uses, or an unusual one, leave nothing to say."""
        node = self.graph.find(of)
        if not node.is_leaf and any(n.named and n.shape == node.shape and feeds(n, of) for n in self.graph):
            users = self.users[node]
            if not any(len(u.inputs) > 1 and u.inputs[0].requires_grad and joins(u) for u in users):
                return f"{of} goes into the activation: the gradient is multiplied by its slope at {of}."
        return self._of_use(node, of)

    def _of_use(self, node: GraphNode, of: str) -> str:
        for user in sorted(
            self.users.get(node, []), key=lambda u: u.op is None or u.op.kind != "contraction"
        ):
            op = user.op
            if op is None or sum(a is node for a in user.args) != 1:
                continue
            others = [n for n in user.inputs if n is not node]
            what = self.words.of(others[0].name) if others else ""
            if op.kind == "contraction" and others:
                return _of_a_product(of, what, first=user.args[0] is node)
            if op.kind == "elementwise" and "axis" in op.settings:
                return f"every entry of the result depends on every entry of {of} along an axis."
            if joins(user) and user.shape != node.shape:
                return f"{of} is added to every example, so its gradient is the sum over the examples."
            if others and op.kind == "elementwise" and op.linear_in(user.args.index(node)):
                return f"{of} is multiplied by {what}, so the gradient is too."
            if op.moves or joins(user):
                return self._of_use(user, of)
        return ""


def _of_a_product(of: str, what: str, *, first: bool) -> str:
    if first:
        return f"{of} is multiplied by {what}, example by example: the products are summed."
    return f"{of} goes into a product with {what}, so the gradient comes back through its transpose."


def _brief(value: Array) -> str:
    if value.size == 1:
        return f"{value.item():.6g}"
    text = np.array2string(value, precision=4, threshold=12, edgeitems=2, separator=", ")
    return f"{value.shape} " + " ".join(text.split())
