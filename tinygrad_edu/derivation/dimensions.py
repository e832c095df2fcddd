"""The dimensions of the parts of a formula: (4, m), and formulas with them under each term."""

from __future__ import annotations

from collections.abc import Mapping

from tinygrad_edu.core.axes import Flow
from tinygrad_edu.derivation.chain_rule import Chain
from tinygrad_edu.expression.entries import flow_of
from tinygrad_edu.expression.latex_style import LaTeX
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.writer import Text, text_of
from tinygrad_edu.graph.axes import Axes


class ExamplesAxis:
    """Where the expressions of a derivation hold the examples.

    Args:
        chain: the derivation's lines.
    """

    def __init__(self, chain: Chain) -> None:
        self._axes = Axes(chain.program)
        self._known = {step.name for step in chain.program}
        self._m = self._axes.examples.size if chain.examples is None else chain.examples.m

    def along(self, node: Node, k: int) -> bool:
        """Whether an expression's axis k counts the examples."""
        if node.shape[k] == 1 or node.shape[k] != self._m:
            return False
        if node.op is None:
            return node.called in self._known and k in self._axes.along(node.called)
        flow = flow_of(node)
        if not isinstance(flow, Flow) or len(flow.result) != len(node.shape):
            return False
        return any(
            self.along(a, axes.index(flow.result[k]))
            for a, axes in zip(node.args, flow.operands, strict=True)
            if flow.result[k] in axes
        )


class WithDimensions(LaTeX):
    """Formulas with the dimensions under each term: those of a transpose under the transpose.

    Args:
        letters: as for :class:`LaTeX`.
        examples: which axes hold the examples.
        m: how their number is printed; None: as a number.
    """

    def __init__(self, letters: Mapping[str, str], examples: ExamplesAxis, m: str | None) -> None:
        super().__init__(letters)
        self._examples, self._m = examples, m

    def equation(self, q: Node, e: Node) -> str:
        """A quantity and its formula."""
        return f"{self._with_dimensions(q)} = {self._with_dimensions(e)}"

    def operand(self, text: Text, node: Node, user: Node) -> Text:
        """A name, or its transpose, over its dimensions."""
        return text if _turns(user) else self._over(text, node)

    def _with_dimensions(self, node: Node) -> str:
        return self._over(text_of(node, self), node).text

    def _over(self, text: Text, node: Node) -> Text:
        if not node.shape or not (node.is_name or (_turns(node) and node.args[0].is_name)):
            return text
        sizes = (
            self._m if self._m and self._examples.along(node, k) else str(n) for k, n in enumerate(node.shape)
        )
        under = r" \times ".join(sizes) if len(node.shape) > 1 else next(sizes)
        return Text(rf"\underset{{{under}}}{{{text.text}}}", text.binds, text.shape, text.dtype)


def _turns(node: Node) -> bool:
    """Whether it moves entries and is written behind its operand, as a transpose is."""
    op = node.op
    return op is not None and op.moves and op.sign is not None and op.sign.place == "postfix"
