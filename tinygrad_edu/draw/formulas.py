"""The formula of a step in one line of text: ``u = b · c``, ``Z1 = W1 @ X + b1``.

An operand that nobody named is written out in place, as long as the line stays short.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.graph import Program, Ref, Step
from tinygrad_edu.graph.text import ATOM, Text, constant, written

__all__ = ["formula"]

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
    for depth in (6, 5, 4, 3, 2, 1, 0):
        text, _ = _computed(step, program, depth)
        if len(text) <= _LONGEST:
            break
    return f"{step.name} = {text}" if step.named else text


def _operand(operand: Ref | Any, program: Program, depth: int) -> Text:
    """The text of an operand: its name, or what it is where nobody named it."""
    if not isinstance(operand, Ref):
        return constant(operand)
    step = program[operand.name]
    if not step.args or step.named:
        return step.name, ATOM
    return _computed(step, program, depth) if depth >= 0 else ("…", ATOM)


def _computed(step: Step, program: Program, depth: int) -> Text:
    parts = [_operand(a, program, depth - 1) for a in step.args]
    return (
        parts[0] if step.op is None else written(step.op, parts, step.settings, scalar=step.value.ndim == 0)
    )
