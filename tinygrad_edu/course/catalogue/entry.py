"""What an entry of ``course.formulas`` is: a formula of the notes, and how it is checked.

An entry holds the formula derived by hand (``evaluate``), and the forward pass it belongs to, written in
NumPy (``forward``). Whoever can differentiate the latter can compare: :mod:`tinygrad_edu.course.agreement`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

NOTES = {
    "000": "000_b1b2af6ff46afcc0 (course notes, LaTeX)",
    "001": "001_35a154d6b128645d (deep networks, lesson 4)",
    "002": "002_6c92f5dc366a803e (single-layer network, derivations in words)",
    "003": "003_766abcfa73abfb71 (L-layer network in matrix form)",
    "004": "004_0de65eea9d847d4b (handwritten, shallow network)",
}
"""The five sets of notes, by the number that ``Formula.notes`` gives."""

GROUPS = {
    "G": "Computation graph",
    "L": "Logistic regression",
    "S": "Two-layer network",
    "A": "Activations",
    "D": "L-layer network",
    "E": "Around it",
    "X": "Misprinted or wrong in the notes",
}
"""The groups of rows, in order, by the letter that an id begins with."""

Values: TypeAlias = Mapping[str, Any]
"""Quantities by name."""

Evaluate: TypeAlias = Callable[..., Values]

Kind = Literal[
    "wrong number",
    "wrong shape",
    "raises AttributeError",
    "raises IndentationError",
    "raises KeyError",
    "raises TypeError",
    "raises ValueError",
]
"""How a slip shows: in a number, in a shape, or as an exception."""


class Sizes(NamedTuple):
    """Units of three layers, and examples.

    >>> Sizes(5, 6, 7, m=8).n0
    5
    """

    n0: int
    n1: int
    n2: int
    m: int


SQUARE = Sizes(5, 5, 5, 5)
"""All alike: here a transpose too few raises nothing, and only the numbers tell."""


def random_sizes(rng: np.random.Generator) -> Sizes:
    """Sizes that differ pairwise, so that a transpose or another layer's quantity cannot hide.

    None is 2, 3 or 4, which factors in the formulas could be mistaken for.

    >>> len(set(random_sizes(np.random.default_rng(0))))
    4
    """
    return Sizes(*(int(n) for n in rng.choice(np.arange(5, 14), size=4, replace=False)))


def only(evaluate: Evaluate, *names: str) -> Callable[..., dict[str, Any]]:
    """The same, giving those outputs alone.

    >>> only(lambda x: {"square": x * x, "double": 2 * x}, "square")(x=3)
    {'square': 9}
    """

    def those(*args: Any, **given: Any) -> dict[str, Any]:
        values = evaluate(*args, **given)
        return {name: values[name] for name in names}

    return those


@dataclass(frozen=True)
class Slip:
    """One thing printed wrong, as a function.

    Attributes:
        evaluate: computes what is printed from the formula's inputs, under the names of the outputs that it
            gets wrong.
        kind: how that shows where sizes differ.
        square: how it shows where all sizes are equal; the same way unless said.

    >>> slip = Slip(lambda W, X: {"Z": W.T @ X}, "raises ValueError", square="wrong number")
    >>> slip.expected(SQUARE), slip.expected(Sizes(5, 6, 7, 8))
    ('wrong number', 'raises ValueError')
    """

    evaluate: Evaluate
    kind: Kind
    square: Kind | None = None

    def expected(self, sizes: Sizes) -> Kind:
        """How the slip has to show at those sizes."""
        return self.square if self.square and sizes == SQUARE else self.kind

    @property
    def shows(self) -> str:
        """How the slip is found out, in words."""
        return f"{self.kind} (equal sizes: {self.square})" if self.square else self.kind


@dataclass(frozen=True, kw_only=True)
class Misprint:
    """What is wrong in the notes.

    Attributes:
        printed: as it stands there, LaTeX.
        wrong: what is wrong, in a few words.
        slips: what is printed, as functions; more than one where the notes have several slips in one row, and
            none where only a word or a letter is wrong, which no computation can tell.

    >>> without_y = Slip(lambda a, y: {"dz": a}, "wrong number")
    >>> misprint = Misprint(printed="dz = a", wrong="y lost", slips=(without_y,))
    >>> misprint.wrong, misprint.shows
    ('y lost', 'wrong number')
    """

    printed: str
    wrong: str
    slips: tuple[Slip, ...] = ()

    @property
    def shows(self) -> str:
        """How a computation finds it out, in words."""
        return "; ".join(dict.fromkeys(slip.shows for slip in self.slips)) or "in words only"


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A formula of the notes: the corrected one, where the notes misprint it.

    Attributes:
        id: its row, such as ``"S4"``.
        title: what it is.
        notes: which of the ``NOTES`` state it.
        latex: the formula.
        function: the public function of ``course`` that implements it.
        sample: ``sample(rng, sizes)`` gives inputs by name, to call the following with. Floating arrays are
            variables; integers (labels) and everything else are constants.
        evaluate: the formula's outputs, by name, from the inputs. An output ``d`` + name is a derivative.
        others: other forms that the notes give, with the same outputs.
        forward: the quantities that the formula is about, computed forward, in NumPy functions and
            operators alone, so that it also runs on what records them.
        cost: which of the forward quantities is differentiated.
        gradients: which outputs are derivatives of the cost.
        per_example: which of those hold each example's own derivative in its column, m times the cost's.
        derived: ``derived(inputs, forward values, gradients by name of the quantity)`` gives outputs that are
            neither, such as an update.
        misprint: what the notes print instead.

    >>> from tinygrad_edu.course import formulas
    >>> formula = formulas["L7"]
    >>> given = formula.sample(np.random.default_rng(0), Sizes(5, 6, 7, m=8))
    >>> sorted(given), sorted(formula.evaluate(**given)), sorted(formula.forward(**given))
    (['a', 'y'], ['da'], ['J', 'L'])
    """

    id: str
    title: str
    notes: tuple[str, ...]
    latex: str
    function: Callable[..., Any]
    sample: Callable[[np.random.Generator, Sizes], dict[str, Any]]
    evaluate: Evaluate
    forward: Evaluate
    others: tuple[Evaluate, ...] = ()
    cost: str = "J"
    gradients: tuple[str, ...] = ()
    per_example: tuple[str, ...] = ()
    derived: Callable[[Values, Values, Values], Values] | None = None
    misprint: Misprint | None = None

    def __post_init__(self) -> None:
        if self.id[:1] not in GROUPS or not self.id[1:].isdigit():
            raise ValueError(
                f"Formula: id: expected a letter of {''.join(GROUPS)} and a number, got {self.id!r}"
            )
        self._check("notes", self.notes, "", tuple(NOTES))
        self._check("per_example", self.per_example, "the gradients ", self.gradients)

    def _check(self, name: str, got: tuple[str, ...], of: str, expected: tuple[str, ...]) -> None:
        if not set(got) <= set(expected):
            raise ValueError(
                f"Formula {self.id}: {name}: expected some of {of}{', '.join(expected)}, got {', '.join(got)}"
            )

    def __repr__(self) -> str:
        return f"Formula({self.id}: {self.title})"
