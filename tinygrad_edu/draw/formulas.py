"""The formula of a step in one line of text: ``u = b · c``, ``Z1 = W1 @ X + b1``.

An operand that nobody named is written out in place, as long as the line stays short.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tinygrad_edu.graph import GraphNode, Program, Ref, Step
from tinygrad_edu.graph.text import ATOM, CARRIES_ON, Text, constant, number, written

__all__ = ["called", "formula", "in_numbers"]

_LONGEST = 44


def formula(step: Step, program: Program) -> str:
    """What the step computes, after its name where it was given one; for an input the name alone.

    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0, name="a"), tg.Tensor(3.0, name="b"), tg.Tensor(2.0, name="c")
    >>> J = 3 * (a + b * c)
    >>> program = tg.Program.of(J)
    >>> formula(program["J"], program), formula(program["dc"], program)
    ('J = 3 · (a + b · c)', 'dc = dJ · 3 · b')
    """
    if not step.args:
        return step.name
    text = _short(step, program, _named)
    return f"{step.name} = {text}" if step.named else text


def called(node: GraphNode, program: Program) -> str:
    """The name of a node; of one that nobody named, what it computes."""
    return node.name if node.named else formula(program[node.name], program)


def in_numbers(step: Step, program: Program) -> str:
    """The same with numbers for names, and what it comes to; nothing where it isn't all numbers.

    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0, name="a"), tg.Tensor(3.0, name="b"), tg.Tensor(2.0, name="c")
    >>> J = 3 * (a + b * c)
    >>> program = tg.Program.of(J)
    >>> in_numbers(program["J"], program)
    '3 · (5 + 3 · 2) = 33'
    """
    if not step.args or any(program[name].value.ndim for name in step.uses) or step.value.ndim:
        return ""
    return f"{_short(step, program, _numbered)} = {number(step.value[()])}"


Naming = Callable[[Step], Text]


def _named(step: Step) -> Text:
    return step.name, ATOM


def _numbered(step: Step) -> Text:
    return constant(step.value[()]) if step.value.ndim == 0 else (step.name, ATOM)


def _short(step: Step, program: Program, naming: Naming) -> str:
    """Operands that nobody named are written out, as deep as the line stays short."""
    for depth in (6, 5, 4, 3, 2, 1, 0):
        text, _ = _computed(step, program, naming, depth)
        if len(text) <= _LONGEST:
            break
    return text


def _operand(operand: Ref | Any, program: Program, naming: Naming, depth: int) -> Text:
    """The text of an operand: its name, or what it is where nobody named it."""
    if not isinstance(operand, Ref):
        return constant(operand)
    step = program[operand.name]
    if not step.args or step.named:
        return naming(step)
    return _computed(step, program, naming, depth) if depth >= 0 else ("…", ATOM)


def _computed(step: Step, program: Program, naming: Naming, depth: int) -> Text:
    parts = [_operand(a, program, naming, depth - 1) for a in step.args]
    if step.op is None or (step.role in ("backward", "gradient") and step.op.name in CARRIES_ON):
        return parts[0]
    return written(step.op, parts, step.settings, scalar=step.value.ndim == 0)
