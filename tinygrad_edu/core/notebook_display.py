"""How objects are displayed in a notebook.

The display needs pictures and tables, which rooms above make. They register here by type, so
that a Tensor needs to know none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

PAINTERS: dict[type, Callable[[Any], dict[str, str]]] = {}
"""By type: what gives the forms in which a thing is shown, by MIME type."""
FIRST: list[Callable[[], object]] = []
"""Called before something is shown: they import the rooms that register."""


class Shown:
    """Base class of objects with a rich display, where one is registered for their type."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002  (IPython's)
        for imported in FIRST:
            imported()
        painter = next((PAINTERS[kind] for kind in type(self).__mro__ if kind in PAINTERS), None)
        plain = {"text/plain": repr(self)}
        return plain if painter is None else plain | painter(self)


def listing(text: str) -> str:
    """HTML of a text whose lines stay as they are.

    >>> listing("a < b")
    '<pre style="text-align:left">a &lt; b</pre>'
    """
    return f'<pre style="text-align:left">{escape(text, quote=False)}</pre>'


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """HTML of a table of texts.

    >>> table(["layer"], [["1"]])
    '<table><thead><tr><th>layer</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>'
    """
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
