"""``tg.draw``: the computation graph as a picture, with values, gradients and local derivatives."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.drawing.dot import to_dot
from tinygrad_edu.drawing.layout import FITS, laid_out
from tinygrad_edu.drawing.pdf import pdf_of
from tinygrad_edu.drawing.scene import Scene, composed
from tinygrad_edu.drawing.sketch import Sketch
from tinygrad_edu.drawing.styles import THEMES
from tinygrad_edu.drawing.svg import png_of, to_svg
from tinygrad_edu.drawing.text import to_text
from tinygrad_edu.drawing.units import network_of, sketched, units
from tinygrad_edu.drawing.view_selection import DETAILS, sketch_of
from tinygrad_edu.errors import arguments_explained, did_you_mean, folder_for, path_of
from tinygrad_edu.graph import Graph
from tinygrad_edu.graph.naming import Names

FORMATS = ("svg", "png", "pdf", "dot", "txt")
Detail = Literal["auto", "quantities", "all", "layers", "units"]
Theme = Literal["auto", "light", "dark", "print"]
Convention = Literal["exact", "course"]


@dataclass(frozen=True)
class Picture:
    """A drawn graph: shows itself in a notebook, and saves itself to a file."""

    sketch: Sketch
    fit: str | None = None
    theme: str = "auto"
    direction: str = "LR"
    placed: Scene | None = None
    """The shapes, if the picture is laid out already."""

    @cached_property
    def scene(self) -> Scene:
        """The picture as shapes, each in its place."""
        if self.placed is not None:
            return self.placed
        page = laid_out(self.sketch, self.fit, direction=self.direction)
        fit = self.fit if self.fit is not None or page.rows == 1 else "16:9"
        return composed(page, fit)

    @cached_property
    def svg(self) -> str:
        """The picture as SVG."""
        return to_svg(self.scene, self.theme)

    @property
    def source(self) -> str:
        """Its boxes and arrows in Graphviz's DOT language."""
        return to_dot(self.sketch)

    @property
    def text(self) -> str:
        """The picture in words, for a terminal."""
        return to_text(self.sketch)

    @arguments_explained
    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the picture; the ending says how: .svg, .png, .pdf, .dot or .txt.

        Raises:
            ValueError: an unknown ending.
            OSError: the file cannot be written.
            RenderError: Graphviz is missing.
        """
        target = path_of(path, "save", "a file, such as 'J.svg'")
        file_type = _file_type(target)
        folder_for(target, "draw: ")
        try:
            target.write_bytes(self._as(file_type))
        except OSError as error:
            said = f"draw: {error.strerror}; expected a file that may be written"
            raise type(error)(error.errno, said, str(target)) from None
        return target

    def _as(self, file_type: str) -> bytes:
        if file_type == "png":
            return png_of(self.scene, self.theme)
        if file_type == "pdf":
            return pdf_of([self.scene], self.theme)
        written = {"svg": lambda: self.svg, "dot": lambda: self.source, "txt": lambda: self.text}[file_type]()
        return written.encode("utf-8", errors="replace")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002  (IPython's)
        return {"image/svg+xml": self.svg, "text/plain": self.text}

    def __repr__(self) -> str:
        return f"<Picture: {len(self.sketch.boxes)} boxes, {len(self.sketch.arrows)} arrows>"


def _file_type(path: Path) -> str:
    ending = path.suffix.removeprefix(".").lower()
    if ending not in FORMATS:
        known = ", ".join(f".{f}" for f in FORMATS)
        hint = did_you_mean(f".{ending}", [f".{f}" for f in FORMATS])
        raise ValueError(
            f"draw: unknown file type {path.suffix!r} of {path.name!r}: expected one of {known}{hint}"
        )
    return ending


def one_of(option: str, value: Any, known: Iterable[str]) -> None:
    """Raises ValueError for a value that is none of the known ones, and names the nearest."""
    known = list(known)
    if value not in known:
        hint = did_you_mean(str(value), known)
        raise ValueError(f"draw: {option} must be one of {', '.join(map(repr, known))}, got {value!r}{hint}")


def _is_model(thing: Any) -> bool:
    return callable(getattr(thing, "parameters", None)) and not isinstance(thing, (Tensor, Graph))


def _graph(output: Any, data: tuple[Any, ...], names: Names) -> Graph:
    """The graph of a tensor; for a model, the graph of its output for X, or of its cost for X and Y."""
    if isinstance(output, Graph):
        return output
    if _is_model(output):
        if len(data) > 2:
            raise TypeError(f"draw: for a model, expected X, or X and Y, got {len(data)} arrays")
        output = output(*data) if len(data) == 1 else output.loss(*data)
    elif data:
        raise TypeError(f"draw: expected one file after the tensor, got {', '.join(map(_told, data))}")
    if not isinstance(output, Tensor):
        raise TypeError(f"draw: expected a Tensor, a Graph or a model, got {type(output).__name__}")
    return Graph(output, names=names)


def _told(given: Any) -> str:
    return repr(given) if isinstance(given, str) else type(given).__name__


@arguments_explained
def draw(
    output: Any,
    path: Any = None,
    *arguments: Any,
    fit: str | None = None,
    detail: Detail = "auto",
    theme: Theme = "auto",
    convention: Convention = "exact",
    backward: bool = False,
    names: Names = None,
    direction: Literal["LR", "TB"] = "LR",
    split: bool = False,
) -> Picture:
    """Draws how a tensor was computed: a box for each quantity, an arrow for each use.

    Args:
        output: the tensor whose history to draw, usually the cost J; or a :class:`Graph`.
        path: where to write it, as .svg, .png, .pdf, .dot or .txt; "-" prints it as text. None only
            returns the picture.
        arguments: of a model, ``draw(model, X, Y, "net.svg")``: X, or X and Y, come before the path, for what
            it computes, or its cost; without them its units are drawn.
        fit: the space that it fits into: "16:9", "4:3", "A4", "column" (of text) or "strip" (never
            broken into rows). By default one row, or "16:9" where the row would be too long.
        detail: "quantities" draws what has a name, and puts other values into its formula; "all" draws each
            operation; "layers" a box for each scope; "units", of a model, a circle for each
            unit. "auto" is all of a few operations, quantities, and layers where there are many; of many
            quantities it draws equal steps and layers once, ``h[t]``, and says how often.
        theme: "light", "dark" or "print"; "auto" is light, and dark on a dark page.
        convention: "exact" gradients, or those of the "course": m times as large for single examples.
        backward: draw the gradients as boxes of their own, with arrows that lead back.
        names: names for tensors, as for :class:`Graph`; by default the caller's variables give them.
        split: of units, whether each shows its two halves, z and a.
        direction: "LR" from left to right, as in the course, or "TB" from top to bottom.

    Returns:
        The picture, which shows itself in a notebook.

    Raises:
        TypeError: ``output`` isn't a Tensor, a Graph or a model.
        ValueError: an unknown file type or option.
        OSError: the file cannot be written.
        RenderError: Graphviz is missing.

    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    >>> J = 3 * (a + b * c)
    >>> J.backward()
    >>> "J" in tg.draw(J).svg
    True
    """
    one_of("detail", detail, DETAILS)
    one_of("theme", theme, THEMES)
    one_of("convention", convention, ("exact", "course"))
    one_of("direction", direction, ("LR", "TB"))
    if fit is not None:
        one_of("fit", fit, FITS)
    arguments = arguments if path is None else (path, *arguments)
    path = arguments[-1] if arguments and isinstance(arguments[-1], (str, os.PathLike)) else None
    if path is not None and path != "-":
        _file_type(Path(path))
    data = arguments if path is None else arguments[:-1]
    if _is_model(output) and not data and (backward or detail not in ("auto", "units")):
        raise TypeError(
            "draw: a model has gradients, quantities and layers once it computes: "
            "write tg.draw(model, X, Y, ...), or tg.draw(model) for its units"
        )
    if _is_model(output) and (detail == "units" or not data):
        network = network_of(output)
        picture = Picture(sketched(network), fit, theme, placed=units(network, fit, split=split))
    else:
        if detail == "units":
            raise TypeError(f'draw: detail="units" draws a model, got {type(output).__name__}')
        graph = _graph(output, data, names)
        sketch = sketch_of(graph, detail=detail, backward=backward, convention=convention)
        picture = Picture(sketch, fit, theme, direction)
    if path == "-":
        sys.stdout.write(picture.text + "\n")
    elif path is not None:
        picture.save(path)
    return picture
