"""One offline page that walks a computation forward and backward, a formula at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.draw.drawing import Picture
from tinygrad_edu.draw.reading import Reading
from tinygrad_edu.draw.sketches import gradients_of, view_of
from tinygrad_edu.draw.values import brief
from tinygrad_edu.draw.views import View
from tinygrad_edu.draw.ways import Way, repeated_over
from tinygrad_edu.graph import Graph, GraphNode, Program, Step
from tinygrad_edu.graph.naming import Names
from tinygrad_edu.graph.text import number

__all__ = ["step_through"]


def step_through(
    output: Tensor | Graph, path: str | os.PathLike[str], *, names: Names = None, title: str | None = None
) -> Path:
    """Writes one HTML file that steps through the forward and the backward pass; it needs no network.

    Args:
        output: a scalar, usually the cost J; or the :class:`Graph` of one.
        path: the file to write, ending in .html.
        names: names for tensors, as for :class:`Graph`.
        title: the heading; by default the formula of the output.

    Returns:
        The path of the file.

    Raises:
        TypeError: ``output`` isn't a Tensor or a Graph.
        ValueError: it isn't a scalar, or the file isn't called .html.
        RuntimeError: nothing in its history is to be differentiated.

    >>> import tempfile
    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    >>> J = 3 * (a + b * c)
    >>> page = tg.step_through(J, tempfile.mkdtemp() + "/J.html")
    >>> "dc = dJ · 3 · b" in page.read_text(encoding="utf-8")
    True
    """
    target = Path(path)
    if target.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"step_through: {target.name!r}: expected a file called .html")
    graph = output if isinstance(output, Graph) else Graph(output, names=names)
    several = len(graph.outputs) > 1
    program = Program.recorded(graph) if several else Program.of_graph(graph)
    reading = Reading(program)
    view = view_of(graph, reading, gradients_of(graph, reading), "auto", backward=False)
    page = Template(files("tinygrad_edu.draw").joinpath("stepper.html").read_text("utf-8"))
    steps = list(_Walk(view, program).steps())
    end = reading.name(program.output)
    heading = f"{end} = {reading.formula(program.output)}" if end else reading.formula(program.output)
    target.write_text(
        page.substitute(
            title=escape(title or heading),
            picture=Picture(view.sketch(), "16:9", "light").svg,
            steps=json.dumps(steps, ensure_ascii=False).replace("<", "\\u003c"),
        ),
        encoding="utf-8",
        errors="replace",
    )
    return target


class _Walk:
    """What the page shows, moment by moment: each box of the picture forward, then each gradient."""

    def __init__(self, view: View, program: Program) -> None:
        self.view, self.program, self.reading = view, program, view.reading
        self.numbers = Reading(program, numbered=True)
        self.onward: dict[GraphNode, list[Way]] = {}
        for way in view.ways:
            if way.head.name in program.gradients:
                self.onward.setdefault(way.tail, []).append(way)

    def steps(self) -> Iterator[dict[str, Any]]:
        drawn = [node for node in self.view.graph if node in self.view.drawn]
        for node in drawn:
            given = "a parameter" if node.requires_grad else "data, which needs no gradient"
            words = [f"{self._called(node)} is given: {given}."] if node.is_leaf else []
            kind = "given" if node.is_leaf else "forward"
            yield self._moment(kind, node, self.program[node.name], words, [])
        for step in self.program.backward:
            if step.of is None:
                continue
            node = self.view.graph.find(step.of)
            if node in self.view.drawn:
                ways = self.onward.get(node, [])
                edges = [f"{self.view.key(way.tail)}->{self.view.key(way.head)}" for way in ways]
                yield self._moment("backward", node, step, self._told(node, ways), edges)

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
            "formula": f"{head} = {formula}" if formula and (called or back) else formula or head,
            "numbers": self._in_numbers(step),
            "value": [brief(step.value)],
            "words": words,
        }

    def _in_numbers(self, step: Step) -> str:
        """The formula with numbers for names, and what it comes to; nothing where it isn't all numbers."""
        if not step.args or step.value.ndim or any(self.program[name].value.ndim for name in step.uses):
            return ""
        return f"{self.numbers.formula(step.name)} = {number(step.value[()])}"

    def _told(self, node: GraphNode, ways: list[Way]) -> list[str]:
        """The chain rule for one gradient, in words: what arrives along each arrow, times what it carries."""
        if not ways:
            return ["The walk back starts here: the derivative of the output by itself is 1."]
        words = []
        for way in ways:
            arriving = self.program.gradients[way.head.name].value
            amount = f" = {number(arriving[()])}" if arriving.ndim == 0 else f", of shape {arriving.shape},"
            name = self.reading.name(way.head.name)
            head = f"d{name}" if name else f"the gradient of {self.reading.read(way.head.name)}"
            factors = [f for n, k in reversed(way.steps) if (f := self.reading.along(n, k)) != "1"] or ["1"]
            words.append(f"{head}{amount} comes back, and is multiplied by {', then by '.join(factors)}.")
            if repeated_over(way, None):
                words.append(
                    f"{self._called(node)} was repeated, so the sum goes back over the repeated axes."
                )
        if len(ways) > 1:
            words.append(f"{self._called(node)} is used {len(ways)} times: what comes back is added up.")
        return words
