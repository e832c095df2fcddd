"""The functions of D, E and their rows of X: L layers, other losses, features. ``rows.toml`` names them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course import activations, features, l_layer, written_out
from tinygrad_edu.course.catalogue import by_hand, forwards
from tinygrad_edu.course.catalogue.entry import Sizes, Values
from tinygrad_edu.course.catalogue.forwards import parameters_of, shapes_of
from tinygrad_edu.course.shapes import Array


def row_by_column(**given: Array) -> Values:
    """D5, forward: J as the (1, 1) that a row by a column gives."""
    values = forwards.output_layer(**given)
    return {**values, "J": np.reshape(values["J"], (1, 1))}


def two_units_written_out(dA1: Array, dA2: Array, g: str, **p: Array) -> Values:
    """D7: the formula."""
    return {**written_out.two_unit_forward(p, g), **written_out.two_unit_backward(p, dA1, dA2, g)}


def stacked(dA1: Array, dA2: Array, g: str, **p: Array) -> Values:
    """The matrix form of the same, D1 and D2, taken apart again."""
    W = np.array([[p["W11"], p["W12"]], [p["W21"], p["W22"]]])
    b = np.array([[p["b1"]], [p["b2"]]])
    A_prev = np.array([[p["A1_prev"]], [p["A2_prev"]]])
    A, cache = l_layer.linear_activation_forward(A_prev, W, b, g)
    block = by_hand.backward_block(np.array([[dA1], [dA2]]), A_prev, W, b, g)
    columns = {"Z": cache[1], "A": A, "dZ": block["dZ"], "db": block["db"]}
    entries = {f"{name}{i}": value[i - 1, 0] for name, value in columns.items() for i in (1, 2)}
    dW = {f"dW{i}{j}": block["dW"][i - 1, j - 1] for i in (1, 2) for j in (1, 2)}
    return {**entries, **dW, **{f"dA{j}_prev": block["dA_prev"][j - 1, 0] for j in (1, 2)}}


def layers_dims(given: Values) -> list[int]:
    """n[0] to n[L], of a sample."""
    return [len(given["X"]), *(len(value) for name, value in parameters_of(given).items() if name[0] == "b")]


def shapes_for_m_and_for_one(**given: Array) -> Values:
    """D8: ``shape of Z1`` for m examples, ``shape of z1`` for one."""
    dims = layers_dims(given)
    of_one = l_layer.network_shapes(dims)
    of_m = l_layer.network_shapes(dims, given["X"].shape[1])
    return {
        **{f"shape of {name}": shape for name, shape in of_m.items()},
        **{f"shape of {name.lower()}": shape for name, shape in of_one.items() if name[0] in "ZA"},
    }


def shapes_found(X: Array, Y: Array, **others: Any) -> Values:
    """The same, of the arrays of a forward pass."""
    of_m = forwards.deep(X, Y, **others)
    of_one = forwards.deep(X[:, :1], Y[:, :1], **others)
    small = {name.lower(): value for name, value in of_one.items() if name != "J"}
    big = {name: value for name, value in of_m.items() if name != "J"}
    return shapes_of({"A0": X, "a0": X[:, :1], **parameters_of(others), **big, **small})


def scores_and_signs(rng: np.random.Generator, n: Sizes) -> dict[str, Array]:
    """E1: the inputs."""
    signs = rng.choice([-1, 1], n.m)
    return {
        "y": signs,
        "z": rng.uniform(-2, 2, n.m),
        "t": rng.uniform(-2, 2, n.m),
        "s": rng.uniform(-2, 2, n.m),
    }


def other_losses_forward(y: Array, z: Array, t: Array, s: Array) -> Values:
    """E1: its forward pass."""
    perceptron, hinge = np.where(y * z < 0, np.abs(z), 0.0), np.where(y * t < 1, np.abs(y - t), 0.0)
    zero_one = 0.5 * np.abs(np.sign(s) - y)
    return {
        "perceptron loss of z": perceptron,
        "hinge loss of t": hinge,
        "zero-one loss of s": zero_one,
        "J": np.sum(perceptron) + np.sum(hinge) + np.sum(zero_one),
    }


def categories(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """Names of n1 categories, and m examples of which some belong to none of them."""
    known = [f"category {k}" for k in range(n.n1)]
    examples = [f"category {k}" for k in rng.integers(n.n1 + 2, size=n.m)]
    sets = [set(map(int, np.flatnonzero(row))) for row in rng.random((n.m, n.n1)) < 0.5]
    return {"known": known, "examples": examples, "sets": sets}


def encoded(known: list[str], examples: list[str], sets: list[set[int]]) -> Values:
    """E2: the formula."""
    mapping = features.integer_map(known)
    integers = features.integers_of(examples, mapping)
    X = features.one_hot(integers, len(mapping))
    return {
        "integers": integers,
        "one-hot": X,
        "distances": np.linalg.norm(X[:, :, None] - X[:, None, :], axis=0),
        "multi-hot": features.multi_hot(sets, len(known)),
    }


def encoded_by_loops(known: list[str], examples: list[str], sets: list[set[int]]) -> Values:
    """E2: its forward pass."""
    integers = [known.index(name) if name in known else len(known) for name in examples]
    rows, others = range(len(known) + 1), np.array(integers)
    return {
        "integers": others,
        "one-hot": np.array([[float(k == row) for k in integers] for row in rows]),
        "distances": np.sqrt(2) * (others[:, None] != others),
        "multi-hot": np.array([[float(k in each) for each in sets] for k in range(len(known))]),
    }


def scaled_by_rows(X: Array) -> Values:
    """E3: its forward pass."""
    m, rows = X.shape[1], [X[[j]] for j in range(X.shape[0])]
    centred = [row - sum(row[0]) / m for row in rows]
    extents = [(np.min(row), np.max(row)) for row in rows]
    return {
        "standardised": np.concatenate([row / (sum(row[0] ** 2) / m) ** 0.5 for row in centred]),
        "to its range": np.concatenate(
            [(row - low) / (high - low) for row, (low, high) in zip(rows, extents, strict=True)]
        ),
    }


def _without_J(values: Values) -> Values:
    """The same without the cost."""
    return {name: value for name, value in values.items() if name != "J"}


def without_A_in_the_cache(dA: Array, A_prev: Array, W: Array, b: Array, g: str) -> Values:
    """X8: as printed."""
    _, (_, Z) = l_layer.linear_activation_forward(A_prev, W, b, g)
    cache: Any = ((W, b), Z)
    return {"dW": l_layer.linear_activation_backward(dA, cache, g)[1]}


def dZ1_written_out(dA1: Array, dA2: Array, g: str, **p: Array) -> Values:
    """X20: the formula."""
    return {"dZ1": written_out.two_unit_backward(p, dA1, dA2, g)["dZ1"]}


def slope_at_the_input(dA1: Array, dA2: Array, g: str, **p: Array) -> Values:  # noqa: ARG001
    """X20: as printed."""
    function, slope = activations.activation(g)
    return {"dZ1": dA1 * slope(p["A1_prev"], function(p["A1_prev"]))}


def dims_for_one(**given: Any) -> Values:
    """X21: the formula."""
    shapes = shapes_for_m_and_for_one(**given)
    return {f"shape of a{l}": shapes[f"shape of a{l}"] for l in range(1, 4)}


def dims_for_m(**given: Any) -> Values:
    """X21: as printed."""
    shapes = l_layer.network_shapes(layers_dims(given), given["X"].shape[1])
    return {f"shape of a{l}": shapes[f"A{l}"] for l in range(1, 4)}


def named_by_the_activation(dA: Array, A_prev: Array, W: Array, b: Array, g: str) -> Values:
    """X27: as printed."""
    l, (a, _) = 1, l_layer.linear_activation_forward(A_prev, W, b, g)
    da = {l - 1: by_hand.backward_block(dA, A_prev, W, b, g)["dA_prev"]}
    return {"dA_prev": da[l - a]}


def deep_forward(X: Array, Y: Array, g: tuple[str, ...], **parameters: Array) -> Values:  # noqa: ARG001
    """D1: the formula."""
    return by_hand.deep_forward(X, g, **parameters)


def deep_forward_by_caches(**given: Array) -> Values:
    """D1: another form of it."""
    return _without_J(forwards.deep(**given))


def number_of_parameters(**given: Array) -> Values:
    """D9: the formula."""
    return {"learnt": l_layer.count_parameters(layers_dims(given))}


def parameters_counted(**given: Array) -> Values:
    """D9: its forward pass."""
    return {"learnt": sum(value.size for value in parameters_of(given).values())}


def sample_of_features(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """E3: the inputs."""
    return {"X": rng.uniform(-5, 20, (n.n0, n.m))}


def sample_of_images(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """E4: the inputs."""
    return {"images": rng.integers(256, size=(n.m, n.n0, n.n1, 3))}
