"""The formulas in a picture: of a value, of its gradient, and along an arrow.

A value without a name is written out where it is used. Where that would be long it gets a mark, ①, and
stands by itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from tinygrad_edu.drawing.text_widths import legible
from tinygrad_edu.drawing.values import brief
from tinygrad_edu.expression import Node, applied, number, quantity, write
from tinygrad_edu.expression.arithmetic import ADD, DIVIDE, NEGATIVE
from tinygrad_edu.expression.book import rewritten
from tinygrad_edu.expression.label_style import Label, digits
from tinygrad_edu.expression.recording import said, spelled
from tinygrad_edu.expression.tidy import tidied
from tinygrad_edu.expression.walk import evaluate, match, quantities, remade, with_args
from tinygrad_edu.graph import GraphNode, Program, Ref, Step
from tinygrad_edu.graph.local import local_derivative

_LONGEST = 60
_LEAST_SHARE = 1e-6  # of examples there are so many; less is a number of its own, such as ε
_LONGEST_LINE, _LONGEST_ALONE = 34, 50  # characters of a line that may be broken, and that must be
_MARK = re.compile(r"[①-⑩]|\(\d+\)")
_SHARED: tuple[Callable[..., Any], ...] = (
    lambda x, y: (x > y) + 0.5 * (x == y),
    lambda x, y: (x < y) + 0.5 * (x == y),
)
"""Slopes of the larger and of the smaller of two; those that tie share it."""


class Reading:
    """Formulas of a program, in one line of text.

    Args:
        program: whose formulas.

    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0, name="a"), tg.Tensor(3.0, name="b"), tg.Tensor(2.0, name="c")
    >>> J = 3 * (a + b * c)
    >>> reading = Reading(tg.Program.of(J))
    >>> reading.formula("J"), reading.formula("dc"), reading.name("b")
    ('3 · (a + b · c)', 'dJ · 3 · b', 'b')
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.marks: dict[str, str] = {}
        self.untied = False
        """Whether a slope was written without its convention for ties."""
        self._meant: dict[str, Node] = {}
        self._written: dict[Node, str] = {}
        self._formulas: dict[str, str] = {}
        self._shares = {value for step in program for value in _shares(step)}
        for step in program:
            self._meant[step.name] = self._meaning(step)
            if step.named and step.args:
                self._computed(step)  # which marks what its formula would be too long with

    def name(self, key: str) -> str:
        """The name of a value, its mark, or nothing."""
        step = self.program[key]
        return legible(step.name) if step.named else self.marks.get(key, "")

    def formula(self, key: str) -> str:
        """The formula of a step, in terms of named values; empty for an input."""
        if key not in self._formulas:
            step = self.program[key]
            unsaid = step.role != "forward"
            self._formulas[key] = self._text(self._computed(step), unsaid=unsaid) if step.args else ""
        return self._formulas[key]

    def read(self, key: str) -> str:
        """A value as it appears in a formula: its name, or else its own formula."""
        return self._text(self._meant[key])

    def boxed(self, key: str) -> bool:
        """Whether formulas refer to it by a name or a mark."""
        return self.program[key].named or key in self.marks

    def along(self, node: GraphNode, k: int) -> str:
        """The local derivative of a node by its k-th operand."""
        return local_derivative(node, k, lambda n: self._meant[n.name], self._called, self._untied)

    def _text(self, node: Node, *, unsaid: bool = True) -> str:
        node = _joined(_without_start(node))
        if unsaid:  # a minus sign goes to the front
            node = self._untied(rewritten(_bare(tidied(node)), "signs", "transposes"))
        return write(node, Label(self._called, unsaid=unsaid))

    def _untied(self, node: Node) -> Node:
        """A slope without its convention for ties, where no entries are equal: ``[Z > 0]``."""

        def change(one: Node) -> Node:
            found = (match(spelled(shared), one) for shared in _SHARED if one.does(ADD))
            compared = next((f for f in found if f is not None), None)
            if compared is None or self._tie(*compared.values()):
                return one
            self.untied = True
            return next(a for a in one.args if a.dtype.kind == "b")

        return remade(node, change)

    def _tie(self, x: Node, y: Node) -> bool:
        """Whether two values have equal entries, or may have."""
        names = {q.called for side in (x, y) for q in quantities(side)}
        known = {name: self.program[name].value for name in names if name in self.program}
        try:
            return bool(np.any(np.equal(evaluate(x, known), evaluate(y, known))))
        except KeyError:
            return True

    def _called(self, node: Node) -> str | None:
        return self.name(node.called) if node.called in self.program else None

    def _length(self, node: Node) -> int:
        if node not in self._written:
            self._written[node] = self._text(node)
        return len(self._written[node])

    def _meaning(self, step: Step) -> Node:
        """How a value appears in formulas: by name, as a number, as entries, by a mark, or written out."""
        free = quantity(step.name, step.shape, step.dtype)
        if step.named:
            return free
        if step.args:
            return self._computed(step)
        if step.value.ndim == 0 and step.role == "input" and not step.requires_grad:
            return number(step.value[()])
        if step.role == "seed":
            return number(1)
        if step.value.ndim == 1 and not step.requires_grad and brief(step.value).startswith("["):
            return quantity(brief(step.value), step.shape, step.dtype)
        return self._mark(step)

    def _mark(self, step: Step) -> Node:
        n = len(self.marks)
        self.marks.setdefault(step.name, chr(ord("①") + n) if n < 10 else f"({n + 1})")
        return quantity(step.name, step.shape, step.dtype)

    def _computed(self, step: Step) -> Node:
        operands = [self._operand(step, k) for k in range(len(step.args))]
        while sum(map(self._length, operands)) > _LONGEST:
            writable = [u for u in step.uses if not self.boxed(u) and self.program[u].args]
            if not writable:
                break
            longest = max(writable, key=lambda name: self._length(self._meant[name]))
            self._meant[longest] = self._mark(self.program[longest])
            operands = [self._operand(step, k) for k in range(len(step.args))]
        if step.op is None:
            return operands[0]
        return applied(step.op, *operands, settings=step.settings, shape=step.shape, dtype=step.dtype)

    def _operand(self, step: Step, k: int) -> Node:
        operand: Any = step.args[k]
        if isinstance(operand, Ref):
            return self._meant[operand.name]
        if np.ndim(operand):
            return quantity(brief(np.asarray(operand)), np.shape(operand))
        forward = step.role == "forward"
        if operand in (_shares(step) if forward else self._shares):
            return _share(round(1 / operand), sign_first=forward)
        return said(operand)


def _shares(step: Step) -> list[float]:
    """The numbers that the code writes as one part of a whole, such as ``-1 / m``."""
    texts = zip(step.args, step.said, strict=False)
    quotients = [a for a, text in texts if text and "/" in text and isinstance(a, float)]
    return [a for a in quotients if _LEAST_SHARE <= abs(a) <= 0.5 and abs(a) == 1 / round(1 / abs(a))]


def _share(parts: int, *, sign_first: bool) -> Node:
    """``-1 / 50`` as it is read in code; ``-(1 / 50)`` where the sign goes to the front."""
    above = -1 if sign_first and parts < 0 else 1
    share = applied(DIVIDE, number(above), number(abs(parts)), shape=(), dtype=np.dtype(float))
    return applied(NEGATIVE, share, shape=(), dtype=share.dtype) if above * parts < 0 else share


def _without_start(node: Node) -> Node:
    """Without the 0 that Python's ``sum`` starts from, within a formula."""
    return remade(node, lambda one: with_args(one, [_added_to_zero(a) or a for a in one.args]))


def _added_to_zero(node: Node) -> Node | None:
    """What was added to a 0; None where nothing was."""
    if not node.does(ADD) or not node.args[0].is_number or node.args[0].value != 0:
        return None
    return node.args[1] if node.args[1].shape == node.shape else None


def _bare(node: Node) -> Node:
    """Without operations that only reshape or repeat a number for an operation that broadcasts it anyway."""

    def change(one: Node) -> Node:
        if one.op is None or one.op.kind != "elementwise":
            return one
        return with_args(one, [a.args[0] if _regrouped(a) else a for a in one.args])

    return remade(node, change)


def _regrouped(node: Node) -> bool:
    return (
        node.op is not None
        and node.op.silent
        and node.args[0].shape == ()
        and node.args[0].dtype == node.dtype
        and not node.args[0].is_number
    )


def _joined(node: Node) -> Node:
    """Without what only gives the parts that are joined an axis more: a stack of z1 and z2 is of these."""

    def change(one: Node) -> Node:
        if one.op is None or not (one.op.variadic and one.op.kind == "movement"):
            return one
        regrouped = [a.op is not None and a.op.silent and a.entries == a.args[0].entries for a in one.args]
        return with_args(one, [a.args[0] if yes else a for a, yes in zip(one.args, regrouped, strict=True)])

    return remade(node, change)


def marks_in(formula: str) -> list[str]:
    """The marks in a formula.

    >>> marks_in("① + 2 · (11)")
    ['①', '(11)']
    """
    return _MARK.findall(formula)


def amounts(parts: Collection[float]) -> str:
    """What is added where paths meet: ``2 + 3``.

    >>> amounts([2.0, -3.0])
    '2 − 3'
    """
    text = " + ".join(digits(p) for p in parts)
    return text.replace("+ −", "− ")


def in_lines(formula: str, beside: int = 0) -> list[str]:
    """A long formula in two lines, before one of its looser signs near the middle.

    Args:
        formula: in one line.
        beside: characters that stand before it.

    >>> in_lines("dJ / 5 · (1 − Y) / (1 − A2) − dJ / 5 · Y / A2")
    ['dJ / 5 · (1 − Y) / (1 − A2)', '− dJ / 5 · Y / A2']
    """
    if beside + len(formula) <= _LONGEST_LINE:
        return [formula]
    depth = 0
    places: list[tuple[int, int]] = []
    commas: list[tuple[int, int]] = []  # where it is better broken than at a sign deep inside
    for k, character in enumerate(formula):
        depth += (character in "([") - (character in ")]")
        if character == ",":
            commas.append((abs(k - len(formula) // 2) + 12 * depth, k + 2))
        if character in "+−·*/@⊙" and formula[k - 1 : k] == formula[k + 1 : k + 2] == " ":
            places.append((abs(k - len(formula) // 2) + 12 * depth + 4 * (character not in "+−"), k))
    inside = range(len(formula) // 5, 4 * len(formula) // 5)
    if beside + len(formula) <= _LONGEST_ALONE:  # rather a long line than a short piece
        places = [place for place in places if place[1] in inside]
    if not places:
        return [formula]
    at = min([*places, *(place for place in commas if place[1] in inside)])[1]
    return [formula[: at - 1], formula[at:]]
