"""What stands in place of an activation's slope: another's, one taken elsewhere, the activation itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.check.diagnosis.edit import Array
from tinygrad_edu.check.diagnosis.network import Network
from tinygrad_edu.check.diagnosis.path import Link
from tinygrad_edu.core.table import OPS

if TYPE_CHECKING:
    from tinygrad_edu.core.op import Op

__all__ = ["slope_basis", "slopes_like", "wrong_slopes"]

_Wrong = tuple[tuple[str, ...], str, Array, float]
_KNOWN = ("sigmoid", "tanh", "relu", "leaky_relu", "softplus", "gelu", "elu", "silu", "exp")
_LETTERS = {"sigmoid": "σ", "tanh": "tanh", "relu": "ReLU", "leaky_relu": "leaky ReLU"}


def wrong_slopes(network: Network, link: Link) -> Iterator[_Wrong]:
    """``codes, words, array, cost`` for everything that may stand in a slope's place."""
    assert link.op is not None
    z, a = network.value(link.below), network.value(link.above)
    yield from slopes_like(link.op, link.settings, z, a, network.names[link.below], network.names[link.above])
    with np.errstate(all="ignore"):
        yield from _of_another_layer(network, link)


def slopes_like(op: Op, settings: dict[str, Any], z: Array, a: Array, Z: str, A: str) -> Iterator[_Wrong]:
    """The same, from the quantities of the activation alone: its input, its value, and their names."""
    with np.errstate(all="ignore"):
        right = _slope(op, a, z, settings)
        yield (
            ("slope_at_a", "slope_wrong"),
            f"g'({A})",
            _slope(op, op.forward(a, **settings), a, settings),
            1.0,
        )
        put_in = f"the slope's formula in {A}, with {Z} put in"
        yield ("slope_at_z", "slope_wrong", "z_for_a"), put_in, _slope(op, z, z, settings), 1.0
        yield ("activation_for_slope", "slope_wrong"), f"g({Z}) = {A} itself", a, 1.0
        yield ("slope_wrong", "activation_for_slope", "z_for_a"), f"{Z}", z, 1.1
        yield ("slope_wrong",), f"1 - g'({Z})", 1 - right, 1.1
        yield ("activation_for_slope", "slope_wrong"), f"g({A})", op.forward(a, **settings), 1.2
        for name in _KNOWN:
            if name in OPS and name != op.name:
                yield from _of_another(OPS[name], name, z, a, Z, A)
        yield from _written_wrong(z, a, Z, A)


def _of_another(other: Op, name: str, z: Array, a: Array, Z: str, A: str) -> Iterator[_Wrong]:
    codes = ("slope_wrong_activation", "slope_wrong")
    called = _LETTERS.get(name, name)
    settings: dict[str, Any] = {}
    yield codes, f"the slope of {called} at {Z}", _slope(other, other.forward(z), z, settings), 1.0
    yield codes, f"the slope of {called}, its formula in {A}", _slope(other, a, a, settings), 1.0
    at_z = ("slope_at_z", *codes, "z_for_a")
    yield at_z, f"the slope of {called}, its formula with {Z} put in", _slope(other, z, z, settings), 1.1
    at_a = (*codes, "slope_at_a")
    yield at_a, f"the slope of {called} at {A}", _slope(other, other.forward(a), a, settings), 1.2
    yield ("activation_for_slope", *codes), f"{called}({Z})", other.forward(z), 1.2


def _written_wrong(z: Array, a: Array, Z: str, A: str) -> Iterator[_Wrong]:
    """Formulas that look like a slope, and those for which g' has its argument or a square wrong."""
    formulas = {
        f"1 - {A}": 1 - a, f"1 + {A}": 1 + a, f"1 + {A}²": 1 + a * a, f"{A}²": a * a,
        f"(1 - {A})²": (1 - a) ** 2, f"{A} (1 + {A})": a * (1 + a), f"1 - 2{A}": 1 - 2 * a,
        f"1 - {A}³": 1 - a**3, f"√(1 - {A}²)": np.sqrt(1 - a * a), f"{A}² (1 - {A})": a * a * (1 - a),
        f"{A} (1 - {A})²": a * (1 - a) ** 2, f"{A} (1 - {A}²)": a * (1 - a * a),
        f"({A} (1 - {A}))²": (a * (1 - a)) ** 2, f"1 - |{A}|": 1 - np.abs(a),
    }  # fmt: skip
    for told, slope in formulas.items():
        yield ("slope_wrong",), told, slope, 1.1
    at_z = {
        f"1 - {Z}": 1 - z, f"1 + {Z}²": 1 + z * z, f"1 / (1 + {Z}²)": 1 / (1 + z * z), f"{Z}²": z * z,
        f"{Z} (1 - {Z})": z * (1 - z), f"e^-{Z}": np.exp(-z), f"1 / cosh({Z})": 1 / np.cosh(z),
        f"cosh({Z})": np.cosh(z), f"1 - {Z} {A}": 1 - z * a, f"{Z} (1 - {A})": z * (1 - a),
        f"{A} (1 - {Z})": a * (1 - z), f"1 / {Z}": 1 / z, f"|{Z}|": np.abs(z),
        f"e^-{Z} / (1 + e^-{Z})": 1 / (1 + np.exp(z)), f"sign({Z})": np.sign(z),
    }  # fmt: skip
    for told, slope in at_z.items():
        yield ("slope_wrong", "slope_at_z", "z_for_a"), told, slope, 1.2
    yield ("slope_wrong",), f"the inverted mask, 1 where {Z} ≤ 0", (z <= 0).astype(z.dtype), 1.0
    for threshold in (0.5, 1.0):
        yield ("slope_wrong",), f"the mask {Z} > {threshold}", (z > threshold).astype(z.dtype), 1.3


def _of_another_layer(network: Network, link: Link) -> Iterator[_Wrong]:
    op, settings = link.op, link.settings
    assert op is not None
    for node in network.pool:
        x = network.value(node)
        fits = x.shape == np.shape(link.factor) or (
            x.ndim == 2 and x.shape[0] == 1 and x.shape[1:] == np.shape(link.factor)[1:]
        )
        if not fits or node in (link.above, link.below) or not np.isfinite(x).all():
            continue
        name = network.names[node]
        yield (
            ("wrong_layer", "slope_wrong"),
            f"g'({name})",
            _slope(op, op.forward(x, **settings), x, settings),
            1.1,
        )
        yield (
            ("wrong_layer", "slope_wrong"),
            f"the slope's formula in {name}",
            _slope(op, x, x, settings),
            1.2,
        )
        yield ("wrong_layer", "slope_wrong", "activation_for_slope"), name, x, 1.3


def _slope(op: Op, y: Array, x: Array, settings: dict[str, Any]) -> Array:
    rule: Any = op.pullbacks[0]
    return np.asarray(rule(np.ones_like(x), y, x, **settings), np.result_type(x, np.float32))


def slope_basis(network: Network, link: Link) -> list[tuple[str, Array]]:
    """The terms of which a wrong slope may be a combination: powers of A, or 1 and the mask."""
    z, a = network.value(link.below), network.value(link.above)
    Z, A = network.names[link.below], network.names[link.above]
    one = np.ones_like(a)
    if link.op is not None and link.op.name in ("relu", "leaky_relu"):
        return [("1", one), (f"({Z} > 0)", (z > 0).astype(a.dtype))]
    return [("1", one), (A, a), (f"{A}²", a * a)]
