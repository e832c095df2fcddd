"""``tg.draw``: the computation graph as a picture, with values, gradients and local derivatives."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.draw.picture import to_dot
from tinygrad_edu.draw.render import FORMATS, render
from tinygrad_edu.draw.summary import summarised
from tinygrad_edu.graph import Graph, Program
from tinygrad_edu.graph.naming import Names

__all__ = ["Picture", "draw"]

_LARGE = 60  # nodes; beyond, a picture no longer fits a slide


@dataclass(frozen=True)
class Picture:
    """A drawn graph: shows itself in a notebook, and saves itself to a file."""

    source: str
    """The picture in Graphviz's DOT language."""

    @cached_property
    def svg(self) -> str:
        """The picture as SVG."""
        return render(self.source, "svg").decode()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the picture; the ending says how: .svg, .png, .pdf or .dot."""
        target = Path(path)
        target.write_bytes(render(self.source, _file_type(target)))
        return target

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"<Picture: {len(self.source.splitlines())} lines of DOT>"


def _file_type(path: Path) -> str:
    ending = path.suffix.removeprefix(".").lower()
    if ending not in FORMATS:
        known = ", ".join(f".{f}" for f in FORMATS)
        raise ValueError(f"draw: unknown file type {path.suffix!r} of {path.name!r}: expected one of {known}")
    return ending


def draw(
    output: Tensor | Graph,
    path: str | os.PathLike[str] | None = None,
    *,
    backward: bool = False,
    names: Names = None,
    detail: Literal["auto", "all", "layers"] = "auto",
    direction: Literal["LR", "TB"] = "LR",
) -> Picture:
    """Draws how a tensor was computed: a box per value with its gradient, a local derivative per arrow.

    Args:
        output: the tensor whose history to draw, usually the cost J; or a :class:`Graph`.
        path: where to write it, as .svg, .png, .pdf or .dot; None only returns the picture.
        backward: draw the backward pass beside it, as the graph that it is.
        names: names for tensors, as for :class:`Graph`; by default the caller's variables give them.
        detail: "layers" draws one box per scope; "auto" does so for graphs of more than 60 nodes.
        direction: "LR" from left to right, as in the course, or "TB" from top to bottom.

    Returns:
        The picture, which shows itself in a notebook.

    Raises:
        TypeError: ``output`` isn't a Tensor or a Graph.
        ValueError: an unknown file type or option.
        RenderError: a pdf without Graphviz's own ``dot``.

    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    >>> J = 3 * (a + b * c)
    >>> J.backward()
    >>> "J = 3 · (a + b · c)" in tg.draw(J).svg
    True
    """
    if path is not None:
        _file_type(Path(path))
    if detail not in ("auto", "all", "layers"):
        raise ValueError(f"draw: detail must be 'auto', 'all' or 'layers', got {detail!r}")
    if direction not in ("LR", "TB"):
        raise ValueError(f"draw: direction must be 'LR' or 'TB', got {direction!r}")
    graph = output if isinstance(output, Graph) else Graph(output, names=names)
    end = graph.outputs[0]
    scalar = len(graph.outputs) == 1 and end.requires_grad and end.tensor.size == 1
    if backward and not scalar:
        raise ValueError(
            "draw: backward=True needs one scalar output that depends on a parameter, such as the cost J"
        )
    program = Program.of_graph(graph) if scalar else Program.recorded(graph)
    if detail == "layers" or (detail == "auto" and len(graph) > _LARGE and not backward):
        picture = Picture(summarised(graph, program, direction=direction))
    else:
        picture = Picture(to_dot(graph, program, backward=backward, direction=direction))
    if path is not None:
        picture.save(path)
    return picture
