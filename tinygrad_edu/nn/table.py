"""A model as a table: a line for each layer, with the shape of its output and its parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_edu.nn.layers import Dense

__all__ = ["HEAD", "lines_of", "written"]

HEAD = ("layer", "", "output", "parameters", "number")


def lines_of(layers: Iterable[Any]) -> list[list[str]]:
    """The cells of the table, its last line the sum."""
    lines, l, units, total = [], 0, "", 0
    for layer in layers:
        parameters = layer.parameters() if hasattr(layer, "parameters") else {}
        if isinstance(layer, Dense):
            l += 1
            units = f"({layer.n_out}, m)"
            g = layer.activation
            what = f"Dense, {g if isinstance(g, str) else _called(g)}"
        else:
            what = _called(layer)
        told = ", ".join(f"{kind}{l} {tensor.shape}" for kind, tensor in parameters.items())
        number = sum(tensor.size for tensor in parameters.values())
        total += number
        lines.append([str(l) if parameters else "", what, units, told, f"{number:,}"])
    return [*lines, ["", "all", "", "", f"{total:,}"]]


def written(layers: Iterable[Any]) -> str:
    """The table as text, in columns.

    >>> print(written([Dense(2, 3, "tanh"), Dense(3, 1, "sigmoid")]))
    layer                  output  parameters            number
    1      Dense, tanh     (3, m)  W1 (3, 2), b1 (3, 1)       9
    2      Dense, sigmoid  (1, m)  W2 (1, 3), b2 (1, 1)       4
           all                                               13
    """
    lines = [list(HEAD), *lines_of(layers)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell.rjust(w) if k == len(HEAD) - 1 else cell.ljust(w)
            for k, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def _called(layer: Any) -> str:
    return getattr(layer, "__name__", None) or repr(layer)
