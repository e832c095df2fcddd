"""The functions of S, A and their rows of X: two layers, activations. ``rows.toml`` names them."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from tinygrad_edu.course import activations, initialisation, l_layer, two_layer, written_out
from tinygrad_edu.course.catalogue import by_hand, forwards, samples
from tinygrad_edu.course.catalogue.entry import Sizes, Values
from tinygrad_edu.course.catalogue.forwards import parameters_of, shapes_of
from tinygrad_edu.course.shapes import Array


def unit_by_unit(X: Array, g: str, Y: Array, **parameters: Array) -> Values:  # noqa: ARG001
    """S1: the formula."""
    return dict(zip(("z1", "a1"), two_layer.forward_by_units(X, parameters), strict=True))


def example_by_example(X: Array, Y: Array, g: str, **parameters: Array) -> Values:  # noqa: ARG001
    """S2: the formula."""
    return two_layer.forward_by_examples(X, parameters, g)[1]


def shapes_by_rule(**given: Array) -> Values:
    """S5: the formula."""
    shapes = l_layer.network_shapes(
        [len(given["X"]), len(given["b1"]), len(given["b2"])], given["X"].shape[1]
    )
    of_gradients = {f"d{name}": shape for name, shape in shapes.items() if name != "A0"}
    return {f"shape of {name}": shape for name, shape in {**shapes, **of_gradients}.items()}


def shapes_found(**given: Array) -> Values:
    """S5: its forward pass."""
    values = forwards.two_layers(**given)
    arrays = {"A0": given["X"], **parameters_of(given), **values}
    return {**values, **shapes_of({name: value for name, value in arrays.items() if name != "J"})}


def shapes_of_gradients(given: Values, values: Values, grads: Values) -> Values:  # noqa: ARG001
    """S5: what follows from the gradients."""
    return {
        name: shape
        for name, shape in shapes_of({f"d{name}": value for name, value in grads.items()}).items()
        if name != "shape of dX"
    }


def equal_units(rng: np.random.Generator, n: Sizes) -> dict[str, Array]:
    """A network whose hidden units are all alike, as they are after each step that began with W = 0."""
    given = samples.two_layer(rng, n)
    alike = {"W1": given["W1"][[0] * n.n1], "b1": given["b1"][[0] * n.n1], "W2": given["W2"][:, [0] * n.n1]}
    return {**given, **alike, "seed": int(rng.integers(1000))}


def drawn_and_trained(X: Array, Y: Array, g: str, seed: int, **parameters: Array) -> Values:
    """S6: the formula."""
    n0, n1, n2 = len(X), len(parameters["b1"]), len(parameters["b2"])
    drawn = initialisation.initialize_parameters(n0, n1, n2, seed)
    grads = by_hand.two_layers(X, Y, g, **parameters)
    after = two_layer.update_parameters(parameters, grads, learning_rate=0.5)
    return {
        **{f"first {name}": value for name, value in drawn.items()},
        **{name: grads[name] for name in ("dW1", "db1", "dW2", "db2")},
        "difference of units after the step": _difference_of_units(after),
    }


def _difference_of_units(parameters: Values) -> float:
    """By how much the hidden units differ, in any of their parameters."""
    of_rows = np.ptp(np.hstack([parameters["W1"], parameters["b1"]]), axis=0).max()
    return float(max(of_rows, np.ptp(parameters["W2"], axis=1).max()))


def drawn_by_randn(X: Array, Y: Array, g: str, seed: int, **parameters: Array) -> Values:
    """S6: its forward pass."""
    n0, n1, n2 = len(X), len(parameters["b1"]), len(parameters["b2"])
    legacy = np.random.RandomState(seed)
    first = {
        "first W1": 0.01 * legacy.randn(n1, n0),
        "first b1": np.zeros((n1, 1)),
        "first W2": 0.01 * legacy.randn(n2, n1),
        "first b2": np.zeros((n2, 1)),
        "difference of units after the step": 0.0,
    }
    return {**first, **forwards.two_layers(X, Y, g, **parameters)}


def collapsed(X: Array, **parameters: Array) -> Values:
    """S7: the formula."""
    W, b = two_layer.collapse(parameters)
    return {"Z2": W @ X + b}


def dz1_without_transpose(X: Array, Y: Array, g: str, **parameters: Array) -> Values:
    """X7: as printed."""
    _, cache = two_layer.forward_propagation(X, parameters, g)
    slope = activations.activation(g).slope(cache["Z1"], cache["A1"])
    return {"dz1": parameters["W2"] @ (cache["A2"] - Y) * slope}


def seeded(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:  # noqa: ARG001  (two units, as printed)
    """X9: the inputs."""
    return {"seed": int(rng.integers(1000))}


def first_layer(seed: int) -> Values:
    """X9: the formula."""
    drawn = initialisation.initialize_parameters_deep([2, 2], seed)
    return {"W": drawn["W1"], "b": drawn["b1"]}


THREE_LOOPS = """
for i in range(n):
    for j in range(m):
    for k in range(h):
        RES[i, j] += W[i, k] * X[k, j]
"""


def three_loops_as_printed(W1: Array, X: Array) -> Values:  # noqa: ARG001
    """X34: as printed."""
    ast.parse(THREE_LOOPS)  # nothing has to run: Python does not read it
    return {}


def three_loops_once_more(W1: Array, X: Array) -> Values:
    """Without zeroing, RES still holds what an earlier run put there."""
    before, _ = written_out.matmul_by_loops(W1, X)
    now, _ = written_out.matmul_by_loops(W1, X)
    return {"RES": before + now}


def bias_without_index(**v: Array) -> Values:
    """X26: as printed."""
    return {"Z1": v["W1"] @ v["X"] + v["b"]}


def activation_forward(z: Array, g: str) -> Values:
    """a = g(z), and a cost whose derivative in z is the slope."""
    a = activations.activation(g).g(z)
    return {"a": a, "J": np.sum(a)}


def activation_and_slope(z: Array, g: str) -> Values:
    """A1, A3, A4: the formula; A2: another form of it."""
    function, slope = activations.activation(g)
    a = function(z)
    return {"a": a, "dz": slope(z, a)}
