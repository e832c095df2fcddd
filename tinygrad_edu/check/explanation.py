"""``check.explain``: the chain rule for one quantity, in words, formulas and values."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.check.roles.network import Network
from tinygrad_edu.check.roles.path import Link, path_to
from tinygrad_edu.check.truth import Convention, Truth
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.derivation import derive

__all__ = ["Explained", "Line", "explain"]

Array = NDArray[Any]


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
    network = Network(truth, {})
    path = path_to(network, truth.graph.find(name))
    derivation = derive(J, wrt=[truth.graph.find(name).tensor], convention=convention, names=_names(truth))
    links = {link.below.name: link for link in path.links}
    lines = []
    before = None
    for step in derivation.steps:
        if step.of is None or step.of == truth.output:
            continue
        words = _words(network, links.get(step.of), step.of, before, truth.output)
        lines.append(Line(step.name, words, step.formula, step.latex, np.asarray(step.value)))
        before = step.name
    return Explained(f"d{name}", tuple(lines), derivation.convention)


def _names(truth: Truth) -> dict[str, Tensor]:
    return {node.name: node.tensor for node in truth.graph if node.named}


def _words(network: Network, link: Link | None, of: str, before: str | None, output: str) -> str:
    if before is None:
        return f"{output} depends on {of}: d{of} says how much."
    what = network.names[link.by] if link is not None and link.by is not None else ""
    told = {
        "left": f"{of} goes into a product with {what}, so the gradient comes back through its transpose.",
        "right": f"{of} is multiplied by {what}, example by example: the products are summed.",
        "slope": f"{of} goes into the activation: the gradient is multiplied by its slope at {of}.",
        "softmax": f"every class's probability depends on every entry of {of}: the softmax's derivative.",
        "sum": f"{of} is added to every example, so its gradient is the sum over the examples.",
        "times": f"{of} is multiplied by {what}, so the gradient is too.",
    }
    return told.get(link.kind if link is not None else "", f"d{of} follows from {before} by the chain rule.")


def _brief(value: Array) -> str:
    if value.size == 1:
        return f"{value.item():.6g}"
    text = np.array2string(value, precision=4, threshold=12, edgeitems=2, separator=", ")
    return f"{value.shape} " + " ".join(text.split())
