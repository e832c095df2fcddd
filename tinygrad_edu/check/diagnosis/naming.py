"""What an addend of a gradient is called: by what it alone comes through, or by what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array
from tinygrad_edu.check.diagnosis.terms import Term
from tinygrad_edu.check.diagnosis.words import Words
from tinygrad_edu.expression.named_settings import index_parts
from tinygrad_edu.graph import Graph


class TermNames:
    """Names for the addends of the gradient of one quantity."""

    def __init__(self, graph: Graph, words: Words, quantity: str) -> None:
        self.graph, self.words, self.quantity = graph, words, quantity
        self._labels = [
            (node.name, np.asarray(node.value))
            for node in graph.inputs
            if not node.requires_grad and node.value.size > 1
        ]
        self._picked = list(_picked(graph))
        self._order = {node.name: k for k, node in enumerate(graph)}

    def of(self, terms: Sequence[Term]) -> list[str]:
        """A name for each."""
        return [self._name(k, terms) for k in range(len(terms))]

    def _name(self, k: int, terms: Sequence[Term]) -> str:
        term = terms[k]
        if (label := self._of_labels(term.array, len(terms))) is not None:
            return label
        others = [t.path for j, t in enumerate(terms) if j != k]
        own = [n for n in term.path if n != self.quantity and not any(n in path for path in others)]
        named = [n for n in own if self.graph.find(n).named]
        if named or own:
            # the nearest to the quantity itself: the first that was computed from it
            nearest = min(named or own, key=self._order.__getitem__)
            through = self.words.of(nearest)
            more = [n for n in named if n != nearest][:1]
            return f"the path through {through}" + (f" and {more[0]}" if more else "")
        for pair in combinations(sorted(term.path - {self.quantity}, key=self._order.__getitem__), 2):
            if not any(set(pair) <= path for path in others):
                return f"the path through {self.words.of(pair[0])} and {self.words.of(pair[1])}"
        return "the direct path"

    def _of_labels(self, array: Array, count: int) -> str | None:
        """A term that is there exactly where labels are: a data array times a number, or one-hot."""
        there = array != 0
        for name, value in self._labels:
            if value.shape == array.shape and value.any() and np.array_equal(value != 0, there):
                c = float(array[there][0] / value[there][0])
                if np.allclose(array[there], c * value[there], rtol=1e-6, atol=0):
                    return f"the term of {name} ({name} is {'subtracted' if c < 0 else 'added'} there)"
        for picked in self._picked:
            if picked.shape == array.shape and there.any() and not there[~picked].any():
                return "the label's term (the one-hot label, which is subtracted)"
        if count == 2 and array.ndim == 2 and array.size > 2:
            for axis in (0, 1):
                if (
                    np.all(there.sum(axis=axis) == 1)
                    and array.shape[axis] > 1
                    and np.allclose(array[there], array[there][0], rtol=1e-6)
                ):
                    return "the label's term (the one-hot label, which is subtracted)"
        return None


def _picked(graph: Graph) -> Iterator[Array]:
    """Where one entry of each row, or column, of an array is picked."""
    for node in graph:
        parts = index_parts(node.settings.get("index"))
        if len(parts) == 2 and all(isinstance(p, np.ndarray) and p.ndim == 1 for p in parts):
            picked = np.zeros(node.inputs[0].shape, bool)
            picked[parts] = True
            if picked.ndim == 2 and any((picked.sum(axis=axis) == 1).all() for axis in (0, 1)):
                yield picked
