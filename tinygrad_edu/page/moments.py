"""The steps of a page: each quantity forward, then each gradient backward.

Numbers stand in the texts as ``⟦name⟧``, so that the page can put others there when it computes anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tinygrad_edu.drawing.formulas import Reading
from tinygrad_edu.drawing.hidden_paths import Way, repeated_over
from tinygrad_edu.drawing.values import brief
from tinygrad_edu.drawing.views import View
from tinygrad_edu.expression import Node, quantity
from tinygrad_edu.expression.arithmetic import ADD
from tinygrad_edu.graph import GraphNode, Program, Ref, Step


def moments(view: View, program: Program) -> Iterator[dict[str, Any]]:
    """The moments of a picture's quantities, as data for the page."""
    yield from _Walk(view, program).moments()


class _Slots(Reading):
    """Formulas with a place for a number where a quantity is one."""

    def _meaning(self, step: Step) -> Node:
        if step.value.ndim == 0 and (step.named or not step.args):
            return quantity(_slot(step.name), step.shape, step.dtype)
        return super()._meaning(step)


def _slot(name: str) -> str:
    return f"⟦{name}⟧"


class _Walk:
    def __init__(self, view: View, program: Program) -> None:
        self.view, self.program, self.reading = view, program, view.reading
        self.slots = _Slots(program)
        self.onward: dict[GraphNode, list[Way]] = {}
        for way in view.ways:
            if way.head.name in program.gradients:
                self.onward.setdefault(way.tail, []).append(way)

    def moments(self) -> Iterator[dict[str, Any]]:
        yield from self._forward()
        for step in self.program.backward:
            if step.of is None:
                continue
            node = self.view.graph.find(step.of)
            if node in self.view.drawn:
                ways = self.onward.get(node, [])
                edges = [f"{self.view.key(way.tail)}->{self.view.key(way.head)}" for way in ways]
                yield self._moment("backward", node, step, self._told(node, step, ways), edges)

    def _forward(self) -> Iterator[dict[str, Any]]:
        for node in self.view.graph:
            if node in self.view.drawn:
                given = "a parameter" if node.requires_grad else "data, which needs no gradient"
                words = [f"{self._called(node)} is given: {given}."] if node.is_leaf else []
                kind = "given" if node.is_leaf else "forward"
                yield self._moment(kind, node, self.program[node.name], words, [])

    def _called(self, node: GraphNode) -> str:
        return self.reading.name(node.name) or self.reading.read(node.name)

    def _moment(
        self, kind: str, node: GraphNode, step: Step, words: list[str], edges: list[str]
    ) -> dict[str, Any]:
        name = self._called(node)
        back = kind == "backward"
        called = bool(self.reading.name(node.name))
        head = name if not back else f"d{name}" if called else f"gradient of {name}"
        formula = self.reading.formula(step.name)
        return {
            "pass": kind,
            "node": self.view.key(node),
            "edges": edges,
            "of": step.name,
            "formula": f"{head} = {formula}" if formula and (called or back) else formula or head,
            "numbers": self._in_numbers(step),
            "value": brief(step.value),
            "words": words,
        }

    def _in_numbers(self, step: Step) -> str:
        """The formula with numbers for names, and what it comes to; nothing where it isn't all numbers."""
        if not step.args or step.value.ndim or any(self.program[name].value.ndim for name in step.uses):
            return ""
        return f"{self.slots.formula(step.name)} = {_slot(step.name)}"

    def _told(self, node: GraphNode, step: Step, ways: list[Way]) -> list[str]:
        """The chain rule for one gradient, in words: what arrives along each arrow, times what it carries."""
        if not ways:
            return ["The walk back starts here: the derivative of the output by itself is 1."]
        words = []
        for way in ways:
            arriving = self.program.gradients[way.head.name]
            shape = f", of shape {arriving.shape}," if arriving.value.ndim else f" = {_slot(arriving.name)}"
            name = self.reading.name(way.head.name)
            head = f"d{name}" if name else f"the gradient of {self.reading.read(way.head.name)}"
            factors = [f for n, k in reversed(way.steps) if (f := self.reading.along(n, k)) != "1"] or ["1"]
            words.append(f"{head}{shape} comes back, and {', then '.join(map(_done_with, factors))}.")
            if repeated_over(way):
                words.append(
                    f"{self._called(node)} was repeated, so the sum goes back over the repeated axes."
                )
        if len(ways) > 1:
            words.append(f"{self._called(node)} is used {len(ways)} times: what comes back is added up.")
            amounts = self._added(step) if step.value.ndim == 0 else []
            if len(amounts) > 1:
                words.append(f"{' + '.join(map(_slot, amounts))} = {_slot(step.name)}.")
        return words

    def _added(self, step: Step) -> list[str]:
        """The steps whose values are added up in this one."""
        if step.op is None or step.op.kernel != ADD.kernel or not all(isinstance(a, Ref) for a in step.args):
            return [step.name]
        return [part for name in step.uses for part in self._added(self.program[name])]


def _done_with(factor: str) -> str:
    """What a local derivative does to the gradient that comes back."""
    if factor.startswith("· "):
        return f"is multiplied by {factor[2:]} from the right"
    if factor.endswith(" ·"):
        return f"is multiplied by {factor[:-2]} from the left"
    if re.search(r"(?<!\w)g(?!\w)", factor):
        return f"becomes {factor}, where g is what came"
    return f"is multiplied by {factor}"
