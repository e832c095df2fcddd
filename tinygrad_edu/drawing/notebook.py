"""Tensors and graphs in a notebook: what each is, in a table or a picture."""

from __future__ import annotations

from html import escape

from tinygrad_edu.core.notebook_display import PAINTERS
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.drawing.drawing import draw
from tinygrad_edu.drawing.sketch import Cells, Line, Row
from tinygrad_edu.drawing.svg import data_of
from tinygrad_edu.drawing.text_widths import legible
from tinygrad_edu.drawing.values import shape_of, told
from tinygrad_edu.graph import Graph


def html_of(tensor: Tensor) -> str:
    """A table: the name, what it was computed by, shape and type, its value and its gradient.

    >>> import tinygrad_edu as tg
    >>> "33" in html_of(tg.Tensor(33.0, name="J"))
    True
    """
    rows = [("", f"<b>{escape(legible(tensor.name))}</b>")] if tensor.name else []
    rows.append(("shape", escape(f"{shape_of(tensor.data)}, {tensor.dtype}")))
    if tensor.op is not None:
        rows.append(("computed by", escape(tensor.op.name)))
    rows.append(("value", "".join(map(_row, told(tensor.data)))))
    if tensor.grad is not None:
        rows.append(("gradient", "".join(map(_row, told(tensor.grad)))))
    body = "".join(f"<tr><td>{head}</td><td>{cell}</td></tr>" for head, cell in rows)
    return f"<table><tbody>{body}</tbody></table>"


def _row(row: Row) -> str:
    if isinstance(row, Line):
        return f"<div>{escape(row.whole)}</div>"
    if isinstance(row, Cells):
        lines = ("".join(f"<td>{escape(cell)}</td>" for cell in line) for line in row.rows)
        return f"<table><tbody>{''.join(f'<tr>{line}</tr>' for line in lines)}</tbody></table>"
    style = "width:12em;image-rendering:pixelated"
    return f'<img alt="the values as colours" style="{style}" src="{data_of(row.pixels)}">'


PAINTERS[Tensor] = lambda tensor: {"text/html": html_of(tensor)}
PAINTERS[Graph] = lambda graph: {"image/svg+xml": draw(graph).svg}
