"""One offline page that walks a computation forward and backward, a formula at a time."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from functools import partial
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.draw.formulas import called, formula, in_numbers
from tinygrad_edu.draw.picture import node_id, to_dot
from tinygrad_edu.draw.render import render
from tinygrad_edu.draw.values import brief
from tinygrad_edu.graph import Graph, GraphNode, Program, Step
from tinygrad_edu.graph.local import local_derivative
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
    program = Program.of_graph(graph)
    drawn = render(to_dot(graph, program), "svg").decode()
    page = Template(files("tinygrad_edu.draw").joinpath("stepper.html").read_text("utf-8"))
    steps = list(_steps(graph, program))
    target.write_text(
        page.substitute(
            title=escape(title or formula(program[program.output], program)),
            picture=drawn[drawn.index("<svg") :],
            steps=json.dumps(steps, ensure_ascii=False).replace("<", "\\u003c"),
        ),
        encoding="utf-8",
    )
    return target


def _steps(graph: Graph, program: Program) -> Iterator[dict[str, Any]]:
    """What the page shows, moment by moment."""
    for node in graph:
        step = program[node.name]
        given = "a parameter" if node.requires_grad else "data, which needs no gradient"
        words = [f"{node.name} is given: {given}."] if node.is_leaf else []
        yield _moment("given" if node.is_leaf else "forward", node, step, program, words=words)
    for step in program.backward:
        if step.of is not None:
            node = graph.find(step.of)
            users = [(user, k) for user in graph for k, arg in enumerate(user.args) if arg is node]
            users = [(user, k) for user, k in users if user.name in program.gradients]
            edges = [f"{node_id(node.name)}->{node_id(user.name)}" for user, _ in users]
            yield _moment("backward", node, step, program, edges=edges, words=_told(step, users, program))


def _moment(
    kind: str,
    node: GraphNode,
    step: Step,
    program: Program,
    *,
    words: list[str],
    edges: list[str] | None = None,
) -> dict[str, Any]:
    return {
        "pass": kind,
        "node": node_id(node.name),
        "edges": edges or [],
        "formula": formula(step, program),
        "numbers": in_numbers(step, program),
        "value": brief(step.value),
        "words": words,
    }


def _told(step: Step, users: list[tuple[GraphNode, int]], program: Program) -> list[str]:
    """The chain rule for one gradient, in words: what arrives along each arrow, times what it carries."""
    if not users:
        return ["The walk back starts here: the derivative of the output by itself is 1."]

    name_of = partial(called, program=program)
    words = []
    for user, k in users:
        arriving = program.gradients[user.name].value
        amount = f" = {number(arriving[()])}" if arriving.ndim == 0 else f", of shape {arriving.shape},"
        name = f"d{user.name}" if user.named else f"the gradient of {name_of(user)}"
        words.append(f"{name}{amount} comes back, and is multiplied by {local_derivative(user, k, name_of)}.")
        if user.op is not None and user.op.kind == "elementwise" and arriving.shape != step.shape:
            words.append(
                f"{step.of} was repeated to {arriving.shape}, so the sum goes back over the repeated axes."
            )
    if len(users) > 1:
        words.append(f"{step.of} is used {len(users)} times: what comes back is added up.")
    return words
