"""A model as a table: a line for each layer, with the shape of its output and its parameters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_edu.nn.layers import Dense
from tinygrad_edu.nn.parameter_discovery import parameters_of

HEAD = ("layer", "", "output", "parameters", "number")


def lines_of(numbered: Iterable[tuple[int, Any]]) -> list[list[str]]:
    """The cells of the table; the last line holds the sums. ``numbered`` pairs layers with their numbers."""
    lines: list[list[str]] = []
    total, before = 0, 0
    counted = set[int]()
    for l, layer in numbered:
        parameters = parameters_of(layer)
        new = [tensor for tensor in parameters.values() if id(tensor) not in counted]  # shared: counted once
        counted |= {id(tensor) for tensor in new}
        units = getattr(layer, "n_out", None)
        told = ", ".join(f"{kind}{l or ''} {tensor.shape}" for kind, tensor in parameters.items())
        number = sum(tensor.size for tensor in new)
        total += number
        first = str(l) if parameters and l != before else ""
        lines.append([first, called(layer), f"({units}, m)" if units else "", told, f"{number:,}"])
        before = l
    return [*lines, ["", "all", "", "", f"{total:,}"]]


def written(numbered: Iterable[tuple[int, Any]]) -> str:
    """The table as text, in columns.

    >>> print(written(enumerate([Dense(2, 3, "tanh"), Dense(3, 1, "sigmoid")], 1)))
    layer                  output  parameters            number
    1      Dense, tanh     (3, m)  W1 (3, 2), b1 (3, 1)       9
    2      Dense, sigmoid  (1, m)  W2 (1, 3), b2 (1, 1)       4
           all                                               13
    """
    lines = [list(HEAD), *lines_of(numbered)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell.rjust(w) if k == len(HEAD) - 1 else cell.ljust(w)
            for k, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def called(layer: Any) -> str:
    """What a layer is: ``Dense, tanh``."""
    if isinstance(layer, Dense):
        g = layer.activation
        return f"{type(layer).__name__}, {g if isinstance(g, str) else called(g)}"
    return getattr(layer, "__name__", None) or repr(layer)
