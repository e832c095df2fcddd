"""``tg.step_through``: one offline page that walks through a computation, and computes it anew."""

from __future__ import annotations

import json
import os
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.drawing.drawing import Picture
from tinygrad_edu.drawing.formulas import Reading
from tinygrad_edu.drawing.view_selection import gradients_of, view_of
from tinygrad_edu.errors import arguments_explained, folder_for, path_of
from tinygrad_edu.graph import Graph, Program
from tinygrad_edu.graph.naming import Names
from tinygrad_edu.page.handout import handout
from tinygrad_edu.page.javascript import Computed, javascript
from tinygrad_edu.page.moments import moments

_MOST_NUMBERS = 20_000
"""Entries of inputs and constants up to which a page carries them, to compute with."""


@arguments_explained
def step_through(
    output: Tensor | Graph, path: str | os.PathLike[str], *, names: Names = None, title: str | None = None
) -> Path:
    """Writes one HTML file that steps through the forward and the backward pass; it needs no network.

    Called .pdf it is a handout instead: a page for each step, the picture always in its place.

    The page computes: its inputs can be changed with sliders and fields, and values and gradients follow, by
    JavaScript written from the same program; a learning rate can be chosen, and the parameters moved. Where
    an operation has no JavaScript, or the data are large, it shows the recorded numbers, and says so.

    Args:
        output: a scalar, usually the cost J; or the :class:`Graph` of one or several outputs.
        path: the file to write, ending in .html, or in .pdf (which needs the extra ``pdf``).
        names: names for tensors, as for :class:`Graph`.
        title: the heading; by default the formula of the output.

    Returns:
        The path of the file.

    Raises:
        TypeError: ``output`` isn't a Tensor or a Graph, or the title no string.
        ValueError: it isn't a scalar, or the file isn't called .html or .pdf.
        OSError: the file cannot be written.
        RuntimeError: nothing in its history is to be differentiated.

    >>> import tempfile
    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    >>> J = 3 * (a + b * c)
    >>> page = tg.step_through(J, tempfile.mkdtemp() + "/J.html")
    >>> "dc = dJ · 3 · b" in page.read_text(encoding="utf-8")
    True
    """
    target = path_of(path, "step_through", "a file, such as 'J.html'")
    if not isinstance(output, (Tensor, Graph)):
        raise TypeError(f"step_through: expected a Tensor or a Graph, got {type(output).__name__}")
    if title is not None and not isinstance(title, str):
        raise TypeError(f"step_through: title: expected a string, got {title!r}")
    if target.suffix.lower() not in (".html", ".htm", ".pdf"):
        raise ValueError(f"step_through: {target.name!r}: expected a file called .html or .pdf")
    folder_for(target, "step_through: ")
    graph = output if isinstance(output, Graph) else Graph(output, names=names)
    several = len(graph.outputs) > 1
    program = Program.recorded(graph) if several else Program.of_graph(graph)
    reading = Reading(program)
    view = view_of(graph, reading, gradients_of(graph, reading), "auto", backward=False)
    if target.suffix.lower() == ".pdf":
        values = {step.name: step.value for step in program}
        scene = Picture(view.sketch(), "16:9", "light").scene
        target.write_bytes(handout(scene, list(moments(view, program)), values))
        return target
    end = reading.name(program.output)
    heading = f"{end} = {reading.formula(program.output)}" if end else reading.formula(program.output)
    computed = _computed(program)
    target.write_text(
        Template(_file("page.html")).substitute(
            title=escape(title or heading),
            style=_file("page.css"),
            picture=Picture(view.sketch(), "16:9", "auto").svg,
            data=_json({
                "steps": list(moments(view, program)),
                "given": _given(program) if computed.source else {},
                "called": {step.name: reading.name(step.name) or step.name for step in program.inputs},
                "trained": [step.name for step in program.inputs if step.requires_grad],
                "output": program.output,
                "gradients": {name: step.name for name, step in program.gradients.items()},
                "why": _why(program, computed),
            }),
            engine=_file("engine.js"),
            program=computed.source.replace("<", "\\u003c"),
            script=_file("page.js"),
        ),
        encoding="utf-8",
        errors="replace",
    )  # fmt: skip
    return target


def _file(name: str) -> str:
    return files("tinygrad_edu.page").joinpath(name).read_text("utf-8")


def _computed(program: Program) -> Computed:
    size = sum(step.value.size for step in program.inputs)
    return javascript(program) if size <= _MOST_NUMBERS else Computed("", ())


def _why(program: Program, computed: Computed) -> str:
    """The reason why the page cannot compute; empty if it can."""
    if computed.missing:
        return f"This page shows recorded numbers: {', '.join(computed.missing)} has no JavaScript yet."
    if not computed.source and program.steps:
        return "This page shows recorded numbers: the data are too large to carry along."
    return ""


def _given(program: Program) -> dict[str, Any]:
    """The inputs as numbers."""
    return {step.name: {"shape": list(step.shape), "data": _numbers(step.value)} for step in program.inputs}


def _numbers(value: NDArray[Any]) -> list[float | str]:
    """Entries row by row; nan and inf, which JSON lacks, as JavaScript writes them."""
    flat = np.ravel(value).astype(np.float64)
    words = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
    return [float(x) if np.isfinite(x) else words[repr(float(x))] for x in flat]


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
