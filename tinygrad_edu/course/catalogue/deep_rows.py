"""D1 to D9 and E1 to E4: the L-layer network, and what stands around it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course import costs, features, l_layer, written_out
from tinygrad_edu.course.catalogue import by_hand, forwards, samples
from tinygrad_edu.course.catalogue.entry import Formula, Sizes, Values, only
from tinygrad_edu.course.catalogue.forwards import parameters_of, shapes_of
from tinygrad_edu.course.models import HYPERPARAMETERS
from tinygrad_edu.course.shapes import Array

__all__ = ["ROWS"]

DEEP_GRADIENTS = tuple(f"d{name}{l}" for name in "ZWb" for l in (1, 2, 3))
DEEP_GRADIENTS_A = tuple(f"dA{l}" for l in (1, 2, 3))


def _hidden_dZ(X: Array, Y: Array, g: str, **parameters: Array) -> Values:
    v = by_hand.two_layers(X, Y, g, **parameters)
    return {"dZ1": l_layer.hidden_dZ(parameters["W2"], v["dZ2"], v["Z1"], g)}


def row_by_column(**given: Array) -> Values:
    """D5, forward: J as the (1, 1) that a row by a column gives."""
    values = forwards.output_layer(**given)
    return {**values, "J": np.reshape(values["J"], (1, 1))}


def _between_ones(Z: Array, Y: Array) -> Values:
    A = forwards.softmax_layer(Z, Y)["A"]
    C, m = A.shape
    return {"J": (-(1 / m) * np.ones((1, C)) @ (Y * np.log(A)) @ np.ones((m, 1)))[0, 0]}


def _log_of_sums(Z: Array, Y: Array) -> Values:
    """The same cost by another way: -log softmax(Z) = log Σ e^Z - Z."""
    return {"J": np.mean(np.log(np.sum(np.exp(Z), axis=0)) - np.sum(Y * Z, axis=0))}


def _written_out(dA1: Array, dA2: Array, g: str, **p: Array) -> Values:
    return {
        **written_out.two_unit_forward(p, g),
        **written_out.two_unit_backward(p, dA1, dA2, g),
    }


def _stacked(dA1: Array, dA2: Array, g: str, **p: Array) -> Values:
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


def _scores_and_signs(rng: np.random.Generator, n: Sizes) -> dict[str, Array]:
    signs = rng.choice([-1, 1], n.m)
    return {
        "y": signs,
        "z": rng.uniform(-2, 2, n.m),
        "t": rng.uniform(-2, 2, n.m),
        "s": rng.uniform(-2, 2, n.m),
    }


def _other_losses(y: Array, z: Array, t: Array, s: Array) -> Values:
    return {
        "perceptron loss of z": costs.perceptron_loss(z, y),
        "dz": costs.perceptron_slope(z, y),
        "hinge loss of t": costs.hinge_loss(t, y),
        "dt": costs.hinge_slope(t, y),
        "zero-one loss of s": costs.zero_one_loss(s, y),
        "ds": np.zeros(s.shape),
    }


def _other_losses_forward(y: Array, z: Array, t: Array, s: Array) -> Values:
    perceptron, hinge = np.where(y * z < 0, np.abs(z), 0.0), np.where(y * t < 1, np.abs(y - t), 0.0)
    zero_one = 0.5 * np.abs(np.sign(s) - y)
    return {
        "perceptron loss of z": perceptron,
        "hinge loss of t": hinge,
        "zero-one loss of s": zero_one,
        "J": np.sum(perceptron) + np.sum(hinge) + np.sum(zero_one),
    }


def _categories(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """Names of n1 categories, and m examples of which some belong to none of them."""
    known = [f"category {k}" for k in range(n.n1)]
    examples = [f"category {k}" for k in rng.integers(n.n1 + 2, size=n.m)]
    sets = [set(map(int, np.flatnonzero(row))) for row in rng.random((n.m, n.n1)) < 0.5]
    return {"known": known, "examples": examples, "sets": sets}


def _encoded(known: list[str], examples: list[str], sets: list[set[int]]) -> Values:
    mapping = features.integer_map(known)
    integers = features.integers_of(examples, mapping)
    X = features.one_hot(integers, len(mapping))
    return {
        "integers": integers,
        "one-hot": X,
        "distances": np.linalg.norm(X[:, :, None] - X[:, None, :], axis=0),
        "multi-hot": features.multi_hot(sets, len(known)),
    }


def _encoded_by_loops(known: list[str], examples: list[str], sets: list[set[int]]) -> Values:
    integers = [known.index(name) if name in known else len(known) for name in examples]
    rows, others = range(len(known) + 1), np.array(integers)
    return {
        "integers": others,
        "one-hot": np.array([[float(k == row) for k in integers] for row in rows]),
        "distances": np.sqrt(2) * (others[:, None] != others),
        "multi-hot": np.array([[float(k in each) for each in sets] for k in range(len(known))]),
    }


def _scaled(X: Array) -> Values:
    return {"standardised": features.standardise(X), "to its range": features.scale_to_range(X)}


def _scaled_by_rows(X: Array) -> Values:
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
    return {name: value for name, value in values.items() if name != "J"}


ROWS = [
    Formula(
        id="D1",
        title="A layer forward",
        notes=("000", "001", "003"),
        latex=r"Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}, \quad A^{[l]} = g^{[l]}(Z^{[l]})",
        function=l_layer.L_model_forward,
        sample=samples.deep,
        evaluate=lambda X, Y, g, **parameters: by_hand.deep_forward(X, g, **parameters),
        others=(lambda **given: _without_J(forwards.deep(**given)),),
        forward=forwards.deep,
    ),
    Formula(
        id="D2",
        title="A layer backward",
        notes=("000", "001", "003"),
        latex=r"dZ^{[l]} = dA^{[l]} * g^{[l]\prime}(Z^{[l]}),\ dW^{[l]} = \frac{1}{m} dZ^{[l]} A^{[l-1]T},"
        r"\ db^{[l]} = \frac{1}{m} \sum_i dZ^{[l](i)},\ dA^{[l-1]} = W^{[l]T} dZ^{[l]}",
        function=l_layer.linear_activation_backward,
        sample=samples.backward_block,
        evaluate=by_hand.backward_block,
        forward=forwards.backward_block,
        gradients=("dZ", "dA_prev", "dW", "db"),
        per_example=("dZ", "dA_prev"),
    ),
    Formula(
        id="D3",
        title="A layer backward in one line",
        notes=("000", "001", "003"),
        latex=r"dZ^{[l]} = W^{[l+1]T} dZ^{[l+1]} * g^{[l]\prime}(Z^{[l]})",
        function=l_layer.hidden_dZ,
        sample=samples.two_layer,
        evaluate=_hidden_dZ,
        others=(only(by_hand.two_layers, "dZ1"),),
        forward=forwards.two_layers,
        gradients=("dZ1",),
        per_example=("dZ1",),
    ),
    Formula(
        id="D4",
        title="Where the way back starts, and the whole of it",
        notes=("000", "001", "003"),
        latex=r"dA^{[L]} = -\frac{Y}{A^{[L]}} + \frac{1 - Y}{1 - A^{[L]}}, \quad dZ^{[L]} = A^{[L]} - Y",
        function=l_layer.L_model_backward,
        sample=samples.deep,
        evaluate=only(by_hand.deep, *DEEP_GRADIENTS, *DEEP_GRADIENTS_A),
        others=(lambda **given: {"dZ3": forwards.deep(**given)["A3"] - given["Y"]},),
        forward=forwards.deep,
        gradients=(*DEEP_GRADIENTS, *DEEP_GRADIENTS_A),
        per_example=("dZ1", "dZ2", "dZ3", *DEEP_GRADIENTS_A),
    ),
    Formula(
        id="D5",
        title="The cost for two classes, (1, 1)",
        notes=("000", "001", "003"),
        latex=r"J = -\frac{1}{m} \left(Y \log A^{[L]T} + (1 - Y) \log(1 - A^{[L]})^T\right)",
        function=costs.compute_cost_by_products,
        sample=samples.output_layer,
        evaluate=only(by_hand.output_layer, "J"),
        forward=row_by_column,
    ),
    Formula(
        id="D6",
        title="The cost for C classes",
        notes=("000", "001", "003"),
        latex=r"J = -\frac{1}{m} 1^T (Y * \log A^{[L]})\, 1",
        function=costs.compute_cost_for_classes,
        sample=samples.softmax_layer,
        evaluate=_between_ones,
        others=(only(forwards.softmax_layer, "J"),),
        forward=_log_of_sums,
    ),
    Formula(
        id="D7",
        title="A layer of two units, entry by entry",
        notes=("003",),
        latex=r"Z_i = W_{i1} A_1 + W_{i2} A_2 + b_i;\quad dZ_i = dA_i\, g'(Z_i),"
        r"\ dW_{ij} = A_j\, dZ_i,\ db_i = dZ_i,\ dA_j = W_{1j}\, dZ_1 + W_{2j}\, dZ_2",
        function=written_out.two_unit_backward,
        sample=samples.two_units,
        evaluate=_written_out,
        others=(_stacked,),
        forward=forwards.two_units,
        gradients=(
            *("dZ1", "dZ2", "dW11", "dW12", "dW21", "dW22", "db1", "db2"),
            *("dA1_prev", "dA2_prev"),
        ),
    ),
    Formula(
        id="D8",
        title="Shapes for one example and for m",
        notes=("000", "001", "003"),
        latex=r"z^{[l]}, a^{[l]}: (n^{[l]}, 1); \quad Z^{[l]}, A^{[l]}: (n^{[l]}, m)",
        function=l_layer.network_shapes,
        sample=samples.deep,
        evaluate=shapes_for_m_and_for_one,
        forward=shapes_found,
    ),
    Formula(
        id="D9",
        title="Parameters and hyperparameters (" + ", ".join(HYPERPARAMETERS) + ")",
        notes=("001", "003"),
        latex=r"W^{[l]}, b^{[l]}: \ \sum_{l=1}^L n^{[l]} (n^{[l-1]} + 1)\ \mathrm{numbers}",
        function=l_layer.count_parameters,
        sample=samples.deep,
        evaluate=lambda **given: {"learnt": l_layer.count_parameters(layers_dims(given))},
        forward=lambda **given: {"learnt": sum(value.size for value in parameters_of(given).values())},
    ),
    Formula(
        id="E1",
        title="Other losses: perceptron, hinge, zero-one (y = -1 or 1)",
        notes=("002",),
        latex=r"\max(0, -yz), \quad \max(0, 1 - yz), \quad [\mathrm{sign}\, z \neq y]",
        function=costs.hinge_loss,
        sample=_scores_and_signs,
        evaluate=_other_losses,
        forward=_other_losses_forward,
        gradients=("dz", "dt", "ds"),
    ),
    Formula(
        id="E2",
        title='Categories: integers with an "other", one-hot, multi-hot',
        notes=("002",),
        latex=r"x \in \{0, 1\}^C, \quad \Vert x_i - x_k \Vert = \sqrt{2} \ (i \neq k)",
        function=features.one_hot,
        sample=_categories,
        evaluate=_encoded,
        forward=_encoded_by_loops,
    ),
    Formula(
        id="E3",
        title="Feature scaling",
        notes=("002",),
        latex=r"\frac{x - \mu}{\sigma}, \quad \frac{x - \min x}{\max x - \min x}",
        function=features.standardise,
        sample=lambda rng, n: {"X": rng.uniform(-5, 20, (n.n0, n.m))},
        evaluate=_scaled,
        forward=_scaled_by_rows,
    ),
    Formula(
        id="E4",
        title="An image as a column",
        notes=("002",),
        latex=r"64 \cdot 64 \cdot 3 = 12288\ \mathrm{features}",
        function=features.images_to_columns,
        sample=lambda rng, n: {"images": rng.integers(256, size=(n.m, n.n0, n.n1, 3))},
        evaluate=lambda images: {"X": features.images_to_columns(images)},
        forward=lambda images: {"X": features.images_to_columns_by_loops(images)},
    ),
]
