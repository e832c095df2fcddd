"""What defines an operation: its value, its derivative rule, and the facts that readers ask for.

How an operation is called and recorded is in ``application``. A Tensor, a recipe and the table hold
operations without calling them as a user does, so they need no more than this module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, Literal

from tinygrad_edu.core.facts import EACH, Axes, Group, Kink, Sign
from tinygrad_edu.core.samples import Sample

Pullback = Callable[..., Any]
"""``(g, y, *xs, **settings)``: the incoming gradient, the value and the inputs, to an input's gradient."""


@dataclass(frozen=True, eq=False, repr=False)
class Op:
    """An operation: its value and its derivative rule in plain NumPy, and how to write, draw and test it."""

    name: str
    forward: Callable[..., Any]
    pullbacks: tuple[Pullback | None, ...]
    kind: str
    """elementwise, reduction, movement, contraction, indexing or opaque."""
    latex: str
    """A template over the parameter names and ``{settings}``; the value's formula."""
    samples: tuple[Sample, ...]
    """Inputs inside the domain, from which the tests are generated."""
    numpy: tuple[Callable[..., Any], ...] = ()
    """The NumPy functions that it answers to."""
    onnx: str | None = None
    label: str | None = None
    """What a picture writes into the node: by default its name at definition."""
    opaque: bool = False
    """Whether formulas and source call it by name, since its kernel is not one expression."""
    general: Callable[..., Any] | None = None
    """The function for further settings of NumPy's, written with other operations."""
    kernel: str = ""
    """The name of its kernel: that at definition, which a copy under another name keeps."""
    linear: tuple[Group, ...] = ()
    """Groups of operands; with the others held fixed it is linear in those of each group together."""
    sign: Sign | None = None
    """Its sign, such as +; None where it is written as a call."""
    source: str | Callable[..., Any] | None = None
    """How NumPy source has it, where that is neither its sign nor a call: a template over its parameters and
    settings, or ``(settings, *operands)`` to the text, an operand, or None for sign or call after all."""
    silent: bool = False
    """Whether formulas may leave it out: it repeats, regroups or converts entries, as shapes show."""
    commutative: bool = False
    """Whether its two operands may change places."""
    associative: bool = False
    """Whether ``(a b) c`` is ``a (b c)``, but for rounding."""
    moves: bool = False
    """Whether every entry of the result is an entry of the first operand: views, movements, repeats."""
    stops: bool = False
    """Whether a gradient may end at it: some entry of its result comes from no operand, or from one alone."""
    inverse: str | None = None
    """Its inverse operation."""
    range: tuple[float, float] | None = None
    """The interval of its results, the ends included."""
    monotone: Literal[1, -1] | None = None
    """1: never decreasing in its operand; -1: never increasing."""
    rounding: float = inf
    """How far a result may be off, in units of eps; of what adds terms up, for each term, by their sizes."""
    kink: Kink | None = None
    """The distance of each entry from the nearest point without derivative; None: there is no such point."""
    axes: Axes = None
    """How axes go through it; None: unknown."""
    into: Callable[..., Any] | None = None
    """Its kernel with a further setting ``out``, an array of the result's shape and dtype to fill."""
    parts: bool = False
    """Whether compiled steps replace it by the operations of its kernel, while formulas keep it."""
    parameters: tuple[str, ...] = field(init=False)
    settings: tuple[str, ...] = field(init=False)
    arguments: Any = field(init=False)
    """How it may be called: see ``arguments``."""
    variadic: bool = field(init=False)
    arity: int = field(init=False)
    """How many inputs it has; -1: any number."""
    constant: bool = field(init=False)
    """No input has a gradient (comparisons, argmax): the result on Tensors is a plain array."""
    short: bool = field(init=False)
    """One or two inputs, each with a gradient: the case that has a shorter path of its own."""
    ufunc: Callable[..., Any] | None = field(init=False)
    """The universal function of NumPy's that its function is, on arrays."""
    numeric: tuple[Pullback | None, ...] | None = field(init=False)
    """Its rules for numbers, where value and rules are arithmetic entry by entry; None: g as it is."""
    quick: tuple[Pullback | None, ...] | None = field(init=False)
    """The same rules for arrays of float64: see ``kernel_analysis``."""
    recorded: Callable[..., Any] = field(init=False)
    """The shortest way to record it on its inputs alone, without settings."""

    def __call__(self, *args: Any, **settings: Any) -> Any:
        """The value: a Tensor where one of the inputs is one, else an array."""
        raise NotImplementedError

    def linear_in(self, k: int) -> bool:
        """Whether it is linear in its k-th operand alone, whatever the others are.

        A sum is linear in its two operands together and in neither alone: 2 a + b is not 2 (a + b).

        >>> import tinygrad_edu as tg
        >>> tg.divide.linear_in(0), tg.divide.linear_in(1), tg.add.linear_in(0)
        (True, False, False)
        """
        return any(group in ((k,), EACH) for group in self.linear)

    def pullbacks_of(self, node: Any) -> Sequence[Any]:
        """The rule for each input; a variadic operation has one for all, which takes the position first."""
        if not self.variadic:
            return self.pullbacks
        rule = self.pullbacks[0]
        return [rule and partial(rule, k) for k in range(len(node.parents))]
