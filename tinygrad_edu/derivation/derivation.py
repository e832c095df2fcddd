"""Derivation: the chain rule from J to the parameters, as formulas, as LaTeX, as Markdown and as source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from tinygrad_edu.derivation.chain_rule import Chain, Convention
from tinygrad_edu.derivation.function import numpy_source
from tinygrad_edu.derivation.proof import is_same
from tinygrad_edu.derivation.steps import DerivationStep, Page, backward_steps, forward_steps
from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.expression.latex_style import aligned
from tinygrad_edu.expression.node import Node
from tinygrad_edu.graph import Graph


class Derivation:
    r"""The formulas of a graph, forward and backward. Made by :func:`tinygrad_edu.derive`.

    In a notebook it shows itself as formulas; ``print`` gives plain text.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> Z = tg.Tensor([[0.5, -1.0]])
    >>> A = np.tanh(Z)
    >>> J = np.sum(A**2) / 2
    >>> derivation = tg.derive(J, [Z])
    >>> [step.formula for step in derivation.steps]
    ['dA = A', 'dZ = dA * (1 - A**2)']
    >>> derivation["dZ"].local, derivation["dZ"].latex
    ('∂A/∂Z = 1 - A**2', 'dZ = dA \\odot \\left(1 - A^{2}\\right)')
    """

    def __init__(
        self,
        chain: Chain,
        graph: Graph,
        written: Mapping[str, Node],
        *,
        entries: bool,
        general: Callable[[], Chain],
    ) -> None:
        self._chain, self._written, self._general = chain, written, general
        self._page = Page(chain, entries=entries)
        self.graph = graph

    @property
    def convention(self) -> Convention:
        """``"course"``: what belongs to single examples is m times the derivative of J. Else ``"exact"``."""
        return self._chain.convention

    @cached_property
    def forward(self) -> tuple[DerivationStep, ...]:
        """The way to J, a line for each quantity that has a name."""
        return tuple(forward_steps(self._chain, self._written, self._page))

    @cached_property
    def steps(self) -> tuple[DerivationStep, ...]:
        """The way back, in the order of the backward pass."""
        return tuple(backward_steps(self._chain, self._written, self.graph, self._page))

    def __getitem__(self, name: str) -> DerivationStep:
        of = self.graph.find(name[1:]).name if name[:1] == "d" and name[1:] in self.graph else None
        gradient = self._chain.program.gradients.get(of) if of is not None else None
        for called in (name, gradient and gradient.name):  # dW₁ is dW1
            for step in (*self.forward, *self.steps):
                if step.name == called:
                    return step
        known = ", ".join(step.name for step in (*self.forward, *self.steps))
        raise KeyError(f"{name!r} has no line in this derivation; it has: {known}")

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the formulas take from the data and from the convention, in words."""
        said = []
        if self.convention == "course":
            chain = self._chain
            said.append(
                f"What belongs to single examples ({', '.join(self._per_example)}) is m times the derivative "
                f"of {chain.program.output}, one {chain.line_up} each; 1/m enters where they are summed."
            )
        said += [f"Of {name} it is taken that {fact}." for name, fact in self._chain.given.assumed.items()]
        return tuple(said)

    @property
    def _per_example(self) -> list[str]:
        return [line.name for line in self._chain.backward if line.per_example]

    @arguments_explained
    def numpy_source(self) -> str:
        """A complete function of NumPy alone, ``gradients(X, Y, W1, ...)``, that gives the derivatives of J.

        Raises:
            TypeError: an operation has a kernel whose source cannot be had.
        """
        return numpy_source(self._general())

    @arguments_explained
    def proves(self, name: str, formula: str) -> bool:
        """Whether a formula derived by hand equals that line's, for all values, by algebra.

        The formula is NumPy, of quantities of this derivation, and m. True is a proof. False is none: for a
        formula that is right it means that something else than arithmetic would have to be known.

        Raises:
            KeyError: there is no line of that name.
            ValueError: the formula names something else, or isn't one.

        >>> import numpy as np
        >>> import tinygrad_edu as tg
        >>> x = tg.Tensor(2.0)
        >>> J = np.tanh(x) ** 2
        >>> derivation = tg.derive(J)
        >>> derivation.proves("dx", "2 * np.tanh(x) - 2 * np.tanh(x)**3")
        True
        >>> derivation.proves("dx", "2 * np.tanh(x)")
        False
        """
        return is_same(self._chain, self[name].name, formula)

    @arguments_explained
    def latex(self, *, shapes: bool = False) -> str:
        r"""All lines, aligned at their equals signs; for KaTeX, MathJax and LaTeX itself.

        Args:
            shapes: with the dimensions under each term, as ``\underset{4 \times m}{Z^{[1]}}``.
        """
        return aligned(_lines((*self.forward, *self.steps), self._page.with_dimensions if shapes else None))

    @arguments_explained
    def markdown(self) -> str:
        """The lines as a document: forward, then backward with shapes, local derivatives and notes."""
        parts = [self.forward, self.steps] if self.forward else [self.steps]
        blocks = [f"$$\n{aligned(_lines(part))}\n$$" for part in parts]
        table = ["| gradient | shape | what it is multiplied by on the way back |", "|---|---|---|"]
        table += [f"| `{s.name}` | {s.shape} | {s.local.replace('|', '&#124;')} |" for s in self.steps]
        blocks.append("\n".join(table))
        notes = [f"`{step.name}`: {step.note}." for step in self.steps if step.note]
        blocks += ["\n".join(f"- {line}" for line in (*self.assumptions, *notes))] * bool(
            notes or self.assumptions
        )
        return "\n\n".join(blocks) + "\n"

    def __str__(self) -> str:
        lines: list[str] = []
        for part in (self.forward, self.steps):
            lines += [""] * bool(lines and part)
            for step in part:
                lines.append(step.formula + f"    # {step.note}" * bool(step.note))
                lines += [f"    {entry}" for entry in step.entries]
        lines += ["", *self.assumptions] if self.assumptions else []
        return "\n".join(lines)

    def __repr__(self) -> str:
        program = self._chain.program
        return (
            f"<Derivation of {program.output} by {', '.join(program.wrt)}: {len(self._chain.backward)} steps>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002  (IPython's)
        return {
            "text/plain": str(self),
            "text/latex": f"$\\displaystyle {self.latex()}$",
            "text/markdown": self.markdown(),
        }


def _lines(
    steps: Sequence[DerivationStep], written: Callable[[DerivationStep], str] | None = None
) -> Iterator[str]:
    """Each formula, and those of its entries behind it."""
    for step in steps:
        yield step.latex if written is None else written(step)
        yield from step.entries_latex
