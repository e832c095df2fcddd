"""The layers of a ``Sequential``: flattened, numbered, and checked to fit together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from tinygrad_edu.nn.layers import in_own_way
from tinygrad_edu.nn.parameter_discovery import parameters_of
from tinygrad_edu.settings import taking

Layer: TypeAlias = Callable[[Any], Any]
"""A function from A[l-1] to A[l]."""


def flat(layers: Sequence[Any], model: Any) -> tuple[Layer, ...]:
    """The layers, with those of a nested model in its place, unless it has a forward pass of its own."""
    return tuple(
        part
        for layer in layers
        for part in (layer.layers if isinstance(layer, model) and not layer.has_own_forward else [layer])
    )


def numbered(layers: Sequence[Layer]) -> Iterator[tuple[int, Layer]]:
    """The layers with their numbers. Layers with parameters count; a normalisation has its layer's number.

    >>> [l for l, _ in numbered([abs, abs])]
    [0, 0]
    """
    l, taken = 0, set[str]()
    for layer in layers:
        kinds = set(parameters_of(layer))
        if kinds and not (getattr(layer, "beside", False) and l and not kinds & taken):
            l, taken = l + 1, set[str]()
        taken |= kinds
        yield l, layer


def check_chain(layers: Sequence[Any]) -> None:
    """Raises unless these are layers, and each takes as many units as the one before it gives.

    >>> check_chain([])
    Traceback (most recent call last):
    ...
    ValueError: Sequential: layers: expected at least one, such as Dense(n_x, 1, 'sigmoid'); ...
    """
    if not layers:
        raise ValueError(
            "Sequential: layers: expected at least one, such as Dense(n_x, 1, 'sigmoid'); a subclass gives "
            "its own in super().__init__(layer, layer, ...)"
        )
    for layer in layers:
        if not callable(layer) or isinstance(layer, type):
            hint = f"; make one: {layer.__name__}(...)" if isinstance(layer, type) else ""
            if isinstance(layer, str):
                hint = f'; a function as a layer is tg.relu, or activation="{layer}" of the layer before'
            elif own := [name for name in ("forward", "call") if hasattr(layer, name)]:
                hint = f"; call its method {own[0]} __call__"
            elif isinstance(layer, (Mapping, tuple, list)):
                hint = "; layers have no names, and stand in one list: [layer, layer, ...]"
            raise TypeError(f"Sequential: layers: expected Dense layers and functions, got {layer!r}{hint}")
        taking("Sequential: layers", layer, "A")
    counted = [layer for layer in layers if parameters_of(layer)]
    if len({*map(id, counted)}) < len(counted):
        raise ValueError("Sequential: the same layer stands there twice; make one for each place")
    with_numbers = [(l, layer) for l, layer in numbered(layers) if parameters_of(layer)]
    for (l, before), (k, after) in pairwise(with_numbers):
        n_out, n_in = units(before, "n_out", "n"), units(after, "n_in", "n")
        if None not in (n_out, n_in) and n_out != n_in and not _reshaped(layers, before, after):
            which = f"layer {k}" if k != l else repr(after)
            raise ValueError(f"Sequential: layer {l} gives {n_out} units and {which} expects {n_in}")


def units(layer: Layer, *names: str) -> int | None:
    """The units that a layer says it gives or takes, under one of these names; None where it doesn't say.

    What a subclass computes in its own way may have others than the class that it extends.
    """
    if in_own_way(layer):
        return None
    return next((n for name in names if (n := getattr(layer, name, None)) is not None), None)


def _reshaped(layers: Sequence[Any], before: Any, after: Any) -> bool:
    between = layers[layers.index(before) : layers.index(after)]
    return any(getattr(layer, "reshapes", False) for layer in between)
