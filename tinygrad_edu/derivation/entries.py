"""The formulas of a derivation entry by entry: why W.T stands where it does.

Entries of short axes are written out; over the examples, and over long axes, a letter runs: i for the
example. In LaTeX an entry is written as in the course notes, with a small letter and indices from 1: the
entry of A1 in the second row and column i is a, with [1](i) above and 2 below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import product
from math import prod

from tinygrad_edu.derivation.chain_rule import Chain
from tinygrad_edu.derivation.dimensions import ExamplesAxis
from tinygrad_edu.expression.entries import Entries, Index, Range
from tinygrad_edu.expression.latex_style import LaTeX
from tinygrad_edu.expression.node import Node, number
from tinygrad_edu.expression.notation import letter
from tinygrad_edu.expression.writer import write

_SHORT = 4
"""The longest axis whose entries are written out."""
_MOST = 16
"""How many entries of one quantity are written out."""
_LETTERS = "jklpqrstuv"
_CAPITAL = re.compile(r"(?<![\\\\a-zA-Z])[A-Z]$|(?<=^d)[A-Z]$")
_NAME = re.compile(r"(?P<base>.*?)(\^\{(?P<above>[^{}]*)\})?(_\{(?P<below>.*)\})?")


class EntryByEntry:
    """Writes single entries of a derivation's formulas.

    Args:
        chain: the derivation's lines.
        examples: which axes hold the examples.
        letters: how quantities are printed.
    """

    def __init__(self, chain: Chain, examples: ExamplesAxis, letters: Mapping[str, str]) -> None:
        self._examples = examples
        self._m = chain.m if chain.examples is not None else None
        self._letters = letters
        self._printed: dict[str, str] = {}
        self._entries = Entries(self._runs, self._print)
        self._names = {step.name for step in chain.program} | {chain.m.called}

    def formulas(self, q: Node, e: Node) -> Iterator[tuple[str, str]]:
        """``dW1[0, 1] = ...`` for each entry that is written out, as NumPy's source and as LaTeX.

        Args:
            q: the quantity.
            e: its formula.
        """
        for index in self._places(q):
            entry, formula = self._entries.at(q, index), self._entries.at(e, index)
            style = LaTeX({**self._letters, **self._printed})
            yield f"{write(entry)} = {write(formula)}", f"{write(entry, style)} = {write(formula, style)}"

    def _places(self, q: Node) -> Iterator[Index]:
        """An index for each entry; a letter where an axis is long or holds the examples."""
        axes = range(len(q.shape))
        short = [k for k in axes if q.shape[k] <= _SHORT and not self._examples.along(q, k)]
        while prod(q.shape[k] for k in short) > _MOST:
            short.remove(max(short, key=lambda k: q.shape[k]))
        letters: dict[int, str] = {}
        for k in axes:
            if k not in short:
                letters[k] = self._letter(self._examples.along(q, k), frozenset(letters.values()))
        return product(*(range(q.shape[k]) if k in short else letters[k] for k in axes))

    def _runs(self, node: Node, k: int, taken: frozenset[str]) -> Range | None:
        """A sum over the examples or over a long axis has a letter."""
        examples = self._examples.along(node, k)
        if not examples and node.shape[k] <= _SHORT:
            return None
        count = self._m if examples and self._m is not None else number(node.shape[k])
        return self._letter(examples, taken), count

    def _letter(self, examples: bool, taken: frozenset[str]) -> str:
        """i for the examples, the next one for anything else; never what something is called by."""
        return next(x for x in ("i" if examples else "") + _LETTERS if x not in taken | self._names)

    def _print(self, name: str, node: Node, index: Index) -> None:
        """How an entry is printed: ``a^{[1](i)}_{2}``."""
        if not node.is_name:
            whole = write(node, LaTeX(self._letters))
            shown = ",".join(str(k + 1) if isinstance(k, int) else k for k in index)
            self._printed[name] = rf"\left({whole}\right)_{{{shown}}}"
            return
        text = self._letters.get(node.called) or letter(node.called, len(node.shape))
        found = _NAME.fullmatch(text)
        assert found is not None, text
        base = _CAPITAL.sub(lambda one: one[0].lower(), found["base"])
        examples = [k for k in range(len(index)) if self._examples.along(node, k)]
        above = (found["above"] or "") + "".join(f"({index[k]})" for k in examples)
        own = [index[k] for k, n in enumerate(node.shape) if n > 1 and k not in examples]
        places = [str(k + 1) if isinstance(k, int) else k for k in own]
        together = ("" if all(len(k) == 1 for k in places) else ",").join(places)
        below = ",".join(x for x in (found["below"], together) if x)
        self._printed[name] = base + f"^{{{above}}}" * bool(above) + f"_{{{below}}}" * bool(below)
