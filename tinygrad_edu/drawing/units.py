"""A fully connected network as the notes draw it: a circle for each unit, a line for each weight.

Thick lines are large weights, orange ones positive, blue ones negative. Columns of more than eight units are
shortened by dots.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.drawing.box_sizes import Rect
from tinygrad_edu.drawing.scene import Group, Outline, Rectangle, Run, Scene, Text, full_page
from tinygrad_edu.drawing.sketch import Arrow, Box, Line, Part, Sketch
from tinygrad_edu.drawing.text_widths import LINE, SIZE, width
from tinygrad_edu.expression.label_style import digits

_MOST = 8
_FIRST, _LAST = 5, 1  # units before and after the dots
_RADIUS = 22.0
_APART = 62.0
_COLUMN = 190.0
_THIN, _THICK = 0.5, 4.5
_SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class _Network:
    """Weights (n[l], n[l-1]) and biases, layer after layer, and the names of the activations."""

    weights: tuple[NDArray[Any], ...]
    biases: tuple[NDArray[Any] | None, ...]
    activations: tuple[str, ...]

    @property
    def sizes(self) -> list[int]:
        """n[0], n[1], ..., n[L]."""
        return [self.weights[0].shape[1], *(W.shape[0] for W in self.weights)]


def network_of(model: Any) -> _Network:
    """The layers of a model, from its parameters.

    Raises:
        ValueError: it isn't made of fully connected layers, each of which takes what the one before gives.
    """
    named: Mapping[str, Any] = model.parameters()
    matrices = {k: _rows(k, t) for k, t in named.items() if t.ndim == 2 and not _is_column(k, t)}
    weights = list(matrices.values())
    chained = all(b.shape[1] == a.shape[0] for a, b in pairwise(weights))
    one_each = len({_number(key) for key in matrices}) == len(matrices)  # not Waa1 and Wax1
    if not weights or not chained or not one_each or any(t.ndim > 2 for t in named.values()):
        shapes = ", ".join(f"{k} {t.shape}" for k, t in named.items())
        raise ValueError(
            f"draw: the units of a model are drawn where its layers are fully connected, W1 (n1, n0), "
            f"W2 (n2, n1) and so on; got {shapes}. Write tg.draw(model, X) to draw what it computes"
        )
    biases = [_bias(named, key) for key in matrices]
    told = [getattr(layer, "activation", "") for layer in getattr(model, "dense", ())]
    told = [a if isinstance(a, str) else getattr(a, "__name__", "") for a in told]
    return _Network(tuple(weights), tuple(biases), tuple((told + [""] * len(weights))[: len(weights)]))


def _number(key: str) -> str:
    """The number of a layer in the name of a parameter."""
    return re.sub(r"^\D+", "", key)


def _rows(key: str, tensor: Any) -> NDArray[Any]:
    """Weights with a row for each unit; the notes' w of a single unit is a column."""
    value = np.asarray(tensor.data)
    return value.T if key[:1] == "w" and value.shape[1] == 1 else value


def _is_column(key: str, tensor: Any) -> bool:
    """Whether it is a number for each unit: a bias, or a scale."""
    return key[:1] not in "Ww" and tensor.shape[1] == 1


def _bias(named: Mapping[str, Any], key: str) -> NDArray[Any] | None:
    tensor = named.get("b" + _number(key))
    return None if tensor is None else np.asarray(tensor.data).ravel()


def sketched(network: _Network) -> Sketch:
    """The network in words: a box for each layer."""
    boxes = [Box((Part("l0", "data", (Line(f": n[0] = {network.sizes[0]}", "x"),), "x"),))]
    for l, (W, g) in enumerate(zip(network.weights, network.activations, strict=True), 1):
        rows = (Line(f": n[{l}] = {W.shape[0]}{', ' * bool(g)}{g}", f"layer {l}"),)
        boxes.append(Box((Part(f"l{l}", "computed", rows, f"layer {l}"),)))
    arrows = [
        Arrow(f"l{l - 1}", f"l{l}", f"W{l} {W.shape[0]} × {W.shape[1]}")
        for l, W in enumerate(network.weights, 1)
    ]
    sizes = ", ".join(map(str, network.sizes))
    return Sketch(tuple(boxes), tuple(arrows), f"A network of {sizes} units", _spoken(network))


def _spoken(network: _Network) -> str:
    last = len(network.weights)
    told = [f"layer {l} has {n} units" for l, n in enumerate(network.sizes) if l]
    return f"{network.sizes[0]} features enter; {'; '.join(told)}; layer {last} is the output."


def units(network: _Network, fit: str | None = None, *, split: bool = False) -> Scene:
    """The picture of a network.

    Args:
        network: its weights.
        fit: the space that it is made for.
        split: whether each unit is shown in two halves, z and a = g(z).
    """
    columns = [_shown(n) for n in network.sizes]
    tallest = max(len(column) for column in columns)
    high = tallest * _APART + 3 * LINE
    places = {
        (l, unit): (
            _RADIUS + 30 + l * _COLUMN,
            20 + _APART * (tallest - len(column)) / 2 + _APART * (k + 0.5),
        )
        for l, column in enumerate(columns)
        for k, unit in enumerate(column)
    }
    wide = 2 * (_RADIUS + 30) + (len(columns) - 1) * _COLUMN + 60
    groups = [*_weights(network, places), *_answers(network, places)]
    for (l, unit), (x, y) in places.items():
        groups.append(_dots(x, y) if unit is None else _circle(network, l, unit, x, y, split=split))
    groups += _captions(network, 20 + tallest * _APART)
    sketch = sketched(network)
    return full_page(groups, wide, high + 30, fit, sketch.title, sketch.description)


def _shown(n: int) -> list[int | None]:
    """The numbers of the units that are drawn; None is dots."""
    if n <= _MOST:
        return list(range(n))
    return [*range(_FIRST), None, *range(n - _LAST, n)]


Places = Mapping[tuple[int, int | None], tuple[float, float]]


def _weights(network: _Network, places: Places) -> Iterator[Group]:
    for l, W in enumerate(network.weights, 1):
        largest = float(np.max(np.abs(W))) or 1.0
        for (column, unit), (x1, y1) in places.items():
            if column != l or unit is None:
                continue
            for before in (k for c, k in places if c == l - 1 and k is not None):
                x0, y0 = places[l - 1, before]
                w = float(W[unit, before])
                thick = _THIN + (_THICK - _THIN) * abs(w) / largest
                line = Outline(
                    np.array([[x0 + _RADIUS, y0], [x1 - _RADIUS, y1]]),
                    "minus" if w < 0 else "plus",
                    thickness=thick,
                )
                title = f"W{l}[{unit + 1}, {before + 1}] = {digits(w)}"
                yield Group("edge", (line,), {"from": f"u{l - 1}.{before}", "to": f"u{l}.{unit}"}, title)


def _circle(network: _Network, l: int, unit: int, x: float, y: float, *, split: bool) -> Group:
    rect = Rect(x - _RADIUS, y - _RADIUS, 2 * _RADIUS, 2 * _RADIUS)
    last = len(network.weights)
    kind = "data" if l == 0 else "output" if l == last else "computed"
    base = y + 0.34 * SIZE
    name = f"{'x' if l == 0 else 'a'}{unit + 1}".translate(_SUBSCRIPTS)
    words = f"unit {unit + 1} of layer {l}" if l else f"feature {unit + 1}"
    bias = network.biases[l - 1] if l else None
    told = words if bias is None else f"{words}, b = {digits(bias[unit])}"
    shapes: list[Any] = [Rectangle(rect, kind, _RADIUS)]
    if split and l:
        shapes.append(Outline(np.array([[x, y - _RADIUS], [x, y + _RADIUS]]), "bracket"))
        shapes += [Text(x - 10, base, (Run("z"),)), Text(x + 10, base, (Run("a"),))]
    else:
        shapes.append(Text(x, base, (Run(name),)))
    return Group("node", tuple(shapes), {"node": f"u{l}.{unit}", "kind": kind}, told)


def _dots(x: float, y: float) -> Group:
    dots = tuple(Rectangle(Rect(x - 2, y - 2 + dy, 4, 4), "dot", 2.0) for dy in (-10.0, 0.0, 10.0))
    return Group("dots", dots, title="more units, which are not drawn")


def _answers(network: _Network, places: Places) -> Iterator[Group]:
    """ŷ, to which the last column leads."""
    last = len(network.weights)
    mine = [place for (l, unit), place in places.items() if l == last and unit is not None]
    for k, (x, y) in enumerate(mine):
        name = "ŷ" if len(mine) == 1 else f"ŷ{k + 1}".translate(_SUBSCRIPTS)
        line = Outline(np.array([[x + _RADIUS, y], [x + _RADIUS + 22, y]]), "line")
        text = Text(x + _RADIUS + 27, y + 0.34 * SIZE, (Run(name, bold=True),), "", "start")
        yield Group("answer", (line, text))


def _captions(network: _Network, y: float) -> Iterator[Group]:
    names = ["x", *(f"layer {l}" for l in range(1, len(network.sizes)))]
    for l, (name, n) in enumerate(zip(names, network.sizes, strict=True)):
        x = _RADIUS + 30 + l * _COLUMN
        activation = network.activations[l - 1] if l else ""
        lines = [name, f"n[{l}] = {n}", activation if width(activation) < _COLUMN - 20 else ""]
        texts = tuple(
            Text(x, y + LINE * (k + 0.8), (Run(line, bold=k == 0),), "" if k == 0 else "faint")
            for k, line in enumerate(lines)
            if line
        )
        yield Group("caption", texts)
