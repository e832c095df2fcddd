"""What a picture says in formulas: of a value, of its gradient, and along an arrow.

A value that nobody named is written out where it is used. Where that would be long it gets a mark, ①, and
stands by itself.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

import numpy as np

from tinygrad_edu.draw.metrics import legible
from tinygrad_edu.draw.values import brief
from tinygrad_edu.graph import GraphNode, Program, Ref, Step
from tinygrad_edu.graph.local import local_derivative
from tinygrad_edu.graph.text import ATOM, CARRIES_ON, Text, constant, number, written

__all__ = ["Reading", "amounts", "marks_in"]

_LONGEST = 60
_MARK = re.compile(r"[①-⑩]|\(\d+\)")
_FEW = 6  # entries of an array that nobody named, to be written where it is used


class Reading:
    """Formulas of a program, in one line of text.

    Args:
        program: whose formulas.
        numbered: with numbers in place of names, where all are numbers.

    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0, name="a"), tg.Tensor(3.0, name="b"), tg.Tensor(2.0, name="c")
    >>> J = 3 * (a + b * c)
    >>> reading = Reading(tg.Program.of(J))
    >>> reading.formula("J"), reading.formula("dc"), reading.name("b")
    ('3 · (a + b · c)', 'dJ · 3 · b', 'b')
    >>> Reading(tg.Program.of(J), numbered=True).formula("J")
    '3 · (5 + 3 · 2)'
    """

    def __init__(self, program: Program, *, numbered: bool = False) -> None:
        self.program, self.numbered = program, numbered
        self.marks: dict[str, str] = {}
        self._texts: dict[str, Text] = {}
        for step in program:
            self._texts[step.name] = self._text(step)

    def name(self, key: str) -> str:
        """What a value is called: its name, its mark, or nothing."""
        step = self.program[key]
        return legible(step.name) if step.named else self.marks.get(key, "")

    def formula(self, key: str) -> str:
        """What a step computes, written out as far as what has a name; nothing for what is given."""
        step = self.program[key]
        return self._computed(step)[0] if step.args else ""

    def read(self, key: str) -> str:
        """How a formula calls a value: by its name, else by what it computes."""
        return self._texts[key][0]

    def boxed(self, key: str) -> bool:
        """Whether formulas call it by a name or a mark, so that a reader has to find it."""
        return self.program[key].named or key in self.marks

    def along(self, node: GraphNode, k: int) -> str:
        """The local derivative of a node by its k-th operand."""
        return local_derivative(node, k, lambda n: self.read(n.name))

    def _text(self, step: Step) -> Text:
        if self.numbered and step.value.ndim == 0 and (step.named or not step.args):
            return constant(step.value[()])
        if step.named:
            return legible(step.name), ATOM
        if not step.args:
            return self._given(step)
        return self._computed(step)

    def _given(self, step: Step) -> Text:
        """A value without a name: its number, its few entries, or a mark."""
        if step.value.ndim == 0 and step.role == "input" and not step.requires_grad:
            return constant(step.value[()])
        if step.role == "seed":
            return "1", ATOM
        if 0 < step.value.size <= _FEW and step.value.ndim == 1 and not step.requires_grad:
            return brief(step.value), ATOM
        return self._mark(step.name), ATOM

    def _mark(self, key: str) -> str:
        n = len(self.marks)
        return self.marks.setdefault(key, chr(ord("①") + n) if n < 10 else f"({n + 1})")

    def _computed(self, step: Step) -> Text:
        parts = [self._operand(a) for a in step.args]
        while sum(len(text) for text, _ in parts) > _LONGEST:
            longest = max(self._writable(step), key=lambda name: len(self._texts[name][0]), default=None)
            if longest is None:
                break
            self._texts[longest] = self._mark(longest), ATOM
            parts = [self._operand(a) for a in step.args]
        if step.op is None or (step.role in ("backward", "gradient") and step.op.name in CARRIES_ON):
            return parts[0]
        return written(step.op, parts, step.settings, scalar=step.value.ndim == 0)

    def _operand(self, operand: Any) -> Text:
        if isinstance(operand, Ref):
            return self._texts[operand.name]
        if np.ndim(operand):
            return brief(np.asarray(operand)), ATOM
        return constant(operand)

    def _writable(self, step: Step) -> Iterable[str]:
        """Operands that are written out, and could have a mark instead."""
        return (u for u in step.uses if not self.boxed(u) and self.program[u].args)


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
    text = " + ".join(number(p) for p in parts)
    return text.replace("+ −", "− ")
