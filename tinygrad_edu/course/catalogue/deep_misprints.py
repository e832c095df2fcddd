"""The ✗ rows about L layers and their costs: X8, X10, X11, X14 to X21, X27, X36."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.course import costs, l_layer, written_out
from tinygrad_edu.course.activations import activation
from tinygrad_edu.course.catalogue import by_hand, forwards, samples
from tinygrad_edu.course.catalogue.deep_rows import (
    layers_dims,
    row_by_column,
    shapes_for_m_and_for_one,
    shapes_found,
)
from tinygrad_edu.course.catalogue.entry import Formula, Kind, Misprint, Slip, Values, only
from tinygrad_edu.course.shapes import Array

__all__ = ["ROWS"]


def _slip(name: str, printed: Any, kind: Kind, square: Kind | None = None) -> Slip:
    """A slip in terms of v: the inputs, and all quantities as derived by hand."""

    def evaluate(**given: Any) -> Values:
        return {name: printed({**given, **by_hand.deep(**given)})}

    return Slip(evaluate, kind, square)


def _without_A_in_the_cache(dA: Array, A_prev: Array, W: Array, b: Array, g: str) -> Values:
    _, (_, Z) = l_layer.linear_activation_forward(A_prev, W, b, g)
    cache: Any = ((W, b), Z)
    return {"dW": l_layer.linear_activation_backward(dA, cache, g)[1]}


def _bias_for_every_example(dA: Array, A_prev: Array, W: Array, b: Array, g: str) -> Values:
    return {"db": by_hand.backward_block(dA, A_prev, W, b, g)["dZ"] / A_prev.shape[1]}


def _summed_too_early(**given: Array) -> Values:
    return {"dA": np.sum(by_hand.output_layer(**given)["dA"], axis=1, keepdims=True)}


def _one_sum_only(Y: Array, **layer: Array) -> Values:
    A = by_hand.output_layer(Y=Y, **layer)["A"]
    return {"J": -(1 / A.shape[1]) * np.sum(Y * np.log(A)) + (1 - Y) * np.log(1 - A)}


def _column_by_row(Y: Array, **layer: Array) -> Values:
    A = by_hand.output_layer(Y=Y, **layer)["A"]
    return {"J": -(1 / A.shape[1]) * (Y.T @ np.log(A) + (1 - Y.T) @ np.log(1 - A))}


def _cost(Y: Array, **layer: Array) -> Values:
    return {"J": costs.compute_cost(by_hand.output_layer(Y=Y, **layer)["A"], Y)}


def _classes(Z: Array, Y: Array) -> Values:
    return {"J": costs.compute_cost_for_classes(forwards.softmax_layer(Z, Y)["A"], Y)}


def _classes_transposed(Z: Array, Y: Array) -> Values:
    A = forwards.softmax_layer(Z, Y)["A"]
    C, m = A.shape
    return {"J": -(1 / m) * np.ones((1, C)) @ (Y.T * np.log(A))}


def _classes_half_summed(Z: Array, Y: Array) -> Values:
    A = forwards.softmax_layer(Z, Y)["A"]
    C, m = A.shape
    return {"J": -(1 / m) * np.ones((1, C)) @ (Y * np.log(A))}


def _dZ1_written_out(dA1: Array, dA2: Array, g: str, **p: Array) -> Values:
    return {"dZ1": written_out.two_unit_backward(p, dA1, dA2, g)["dZ1"]}


def _slope_at_the_input(dA1: Array, dA2: Array, g: str, **p: Array) -> Values:  # noqa: ARG001
    function, slope = activation(g)
    return {"dZ1": dA1 * slope(p["A1_prev"], function(p["A1_prev"]))}


def _dims_for_one(**given: Any) -> Values:
    shapes = shapes_for_m_and_for_one(**given)
    return {f"shape of a{l}": shapes[f"shape of a{l}"] for l in range(1, 4)}


def _dims_for_m(**given: Any) -> Values:
    shapes = l_layer.network_shapes(layers_dims(given), given["X"].shape[1])
    return {f"shape of a{l}": shapes[f"A{l}"] for l in range(1, 4)}


def _named_by_the_activation(dA: Array, A_prev: Array, W: Array, b: Array, g: str) -> Values:
    l, (a, _) = 1, l_layer.linear_activation_forward(A_prev, W, b, g)
    da = {l - 1: by_hand.backward_block(dA, A_prev, W, b, g)["dA_prev"]}
    return {"dA_prev": da[l - a]}


def _entry_by_entry(dA: Array, A_prev: Array, W: Array, b: Array, g: str) -> Values:
    """dW as D7 writes it, each entry a mean over the examples."""
    m = A_prev.shape[1]
    return {"dW": _sums_of_products(dA, A_prev, W, b, g)["dW"] / m}


def _sums_of_products(dA: Array, A_prev: Array, W: Array, b: Array, g: str) -> Values:
    dZ = by_hand.backward_block(dA, A_prev, W, b, g)["dZ"]
    return {"dW": np.array([[sum(A_j * dZ_i) for A_j in A_prev] for dZ_i in dZ])}


ROWS = [
    Formula(
        id="X8",
        title="What a layer keeps for the way back",
        notes=("000", "001"),
        latex=r"\mathrm{cache}: z^{[l]}, w^{[l]}, b^{[l]}, a^{[l-1]}",
        function=l_layer.linear_activation_backward,
        sample=samples.backward_block,
        evaluate=only(by_hand.backward_block, "dW"),
        forward=forwards.backward_block,
        gradients=("dW",),
        misprint=Misprint(
            printed=r"\mathrm{cache}: z^{[l]}, w^{[l]}, b^{[l]}",
            wrong="without a[l-1], dW[l] cannot be formed",
            slips=(Slip(_without_A_in_the_cache, "raises ValueError"),),
        ),
    ),
    Formula(
        id="X10",
        title="One bias for all examples",
        notes=("001",),
        latex=r"b^{[l]}, db^{[l]}: (n^{[l]}, 1), \quad db^{[l]} = \frac{1}{m} \sum_i dZ^{[l](i)}",
        function=l_layer.linear_backward,
        sample=samples.backward_block,
        evaluate=only(by_hand.backward_block, "db"),
        forward=forwards.backward_block,
        gradients=("db",),
        misprint=Misprint(
            printed=r"b^{[l]}, db^{[l]}: (n^{[l]}, m)",
            wrong="the bias's gradient is not summed",
            slips=(Slip(_bias_for_every_example, "wrong shape"),),
        ),
    ),
    Formula(
        id="X11",
        title="dA of the last layer: one column per example",
        notes=("001",),
        latex=r"dA^{[L]} = -\frac{Y}{A^{[L]}} + \frac{1 - Y}{1 - A^{[L]}}",
        function=costs.loss_derivative,
        sample=samples.output_layer,
        evaluate=only(by_hand.output_layer, "dA"),
        forward=forwards.output_layer,
        gradients=("dA",),
        per_example=("dA",),
        misprint=Misprint(
            printed=r"dA^{[L]} = \sum_i \left(-\frac{y^{(i)}}{a^{(i)}}"
            r" + \frac{1 - y^{(i)}}{1 - a^{(i)}}\right)",
            wrong="summed too early (001 itself asks why)",
            slips=(Slip(_summed_too_early, "wrong shape"),),
        ),
    ),
    Formula(
        id="X14",
        title="Each layer has its own bias",
        notes=("003",),
        latex=r"Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}",
        function=l_layer.linear_forward,
        sample=samples.deep,
        evaluate=only(by_hand.deep, "Z2"),
        forward=forwards.deep,
        misprint=Misprint(
            printed=r"Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[1]}",
            wrong="another layer's bias",
            slips=(_slip("Z2", lambda v: v["W2"] @ v["A1"] + v["b1"], "raises ValueError", "wrong number"),),
        ),
    ),
    Formula(
        id="X15",
        title="Each layer starts from the one before",
        notes=("003",),
        latex=r"Z^{[1]} = W^{[1]} A^{[0]} + b^{[1]}; \quad Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}",
        function=l_layer.linear_forward,
        sample=samples.deep,
        evaluate=only(by_hand.deep, "Z1", "Z2"),
        forward=forwards.deep,
        misprint=Misprint(
            printed=r"Z^{[1]} = W^{[1]} A^{[1]} + b^{[1]}; \quad Z^{[l]} = W^{[l]} A^{[l]} + b^{[l]}",
            wrong="another layer's activation",
            slips=(
                _slip("Z1", lambda v: v["W1"] @ v["A1"] + v["b1"], "raises ValueError", "wrong number"),
                _slip("Z2", lambda v: v["W2"] @ v["A2"] + v["b2"], "raises ValueError", "wrong number"),
            ),
        ),
    ),
    Formula(
        id="X16",
        title="The cost for two classes as one sum",
        notes=("003",),
        latex=r"J = -\frac{1}{m}\, \mathrm{np.sum}(Y * \log A + (1 - Y) * \log(1 - A))",
        function=costs.compute_cost,
        sample=samples.output_layer,
        evaluate=_cost,
        forward=forwards.output_layer,
        misprint=Misprint(
            printed=r"J = -\frac{1}{m}\, \mathrm{np.sum}(Y * \log A) + (1 - Y) * \log(1 - A)",
            wrong="a parenthesis",
            slips=(Slip(_one_sum_only, "wrong shape"),),
        ),
    ),
    Formula(
        id="X17",
        title="A - Y is for the last layer only",
        notes=("003",),
        latex=r"dZ^{[L]} = A^{[L]} - Y; \quad"
        r" dZ^{[l]} = W^{[l+1]T} dZ^{[l+1]} * A^{[l]} * (1 - A^{[l]}), \ l < L",
        function=l_layer.hidden_dZ,
        sample=partial(samples.deep, hidden=("sigmoid",)),
        evaluate=only(by_hand.deep, "dZ1", "dZ2", "dZ3"),
        forward=forwards.deep,
        gradients=("dZ1", "dZ2", "dZ3"),
        per_example=("dZ1", "dZ2", "dZ3"),
        misprint=Misprint(
            printed=r"dZ^{[l]} = A^{[l]} - Y \ \mathrm{if}\ g^{[l]} = \sigma",
            wrong="used for a hidden layer",
            slips=tuple(_slip(f"dZ{l}", lambda v, l=l: v[f"A{l}"] - v["Y"], "wrong number") for l in (1, 2)),
        ),
    ),
    Formula(
        id="X18",
        title="The cost for two classes, rows (1, m)",
        notes=("003",),
        latex=r"J = -\frac{1}{m} \left(Y \log A^T + (1 - Y) \log(1 - A)^T\right)",
        function=costs.compute_cost_by_products,
        sample=samples.output_layer,
        evaluate=only(by_hand.output_layer, "J"),
        forward=row_by_column,
        misprint=Misprint(
            printed=r"J = -\frac{1}{m} \left(Y^T \log A + (1 - Y^T) \log(1 - A)\right)",
            wrong="gives (m, m)",
            slips=(Slip(_column_by_row, "wrong shape"),),
        ),
    ),
    Formula(
        id="X19",
        title="The cost for C classes",
        notes=("003",),
        latex=r"J = -\frac{1}{m} 1^T (Y * \log A)\, 1",
        function=costs.compute_cost_for_classes,
        sample=samples.softmax_layer,
        evaluate=_classes,
        forward=forwards.softmax_layer,
        misprint=Misprint(
            printed=r"J = -\frac{1}{m} 1^T (Y^T * \log A)",
            wrong="a transpose; and the sum over examples is missing",
            slips=(
                Slip(_classes_transposed, "raises ValueError", square="wrong shape"),
                Slip(_classes_half_summed, "wrong shape"),
            ),
        ),
    ),
    Formula(
        id="X20",
        title="The slope is taken at Z",
        notes=("003",),
        latex=r"dZ_1^{[1]} = g'(Z_1^{[1]}) (\ldots)",
        function=written_out.two_unit_backward,
        sample=partial(samples.two_units, hidden=samples.SMOOTH),
        evaluate=_dZ1_written_out,
        forward=forwards.two_units,
        gradients=("dZ1",),
        misprint=Misprint(
            printed=r"dZ_1^{[1]} = g'(X_1) (\ldots)",
            wrong="the slope taken at the wrong place",
            slips=(Slip(_slope_at_the_input, "wrong number"),),
        ),
    ),
    Formula(
        id="X21",
        title="One example's activation is a column",
        notes=("003",),
        latex=r"a^{[l]}: (n^{[l]}, 1)",
        function=l_layer.network_shapes,
        sample=samples.deep,
        evaluate=_dims_for_one,
        forward=shapes_found,
        misprint=Misprint(
            printed=r"a^{[l]}: (n^{[l]}, m)",
            wrong="the shape for m examples",
            slips=(Slip(_dims_for_m, "wrong shape"),),
        ),
    ),
    Formula(
        id="X27",
        title="The backward block gives da[l-1]",
        notes=("001",),
        latex=r"da^{[l-1]} = W^{[l]T} dz^{[l]}",
        function=l_layer.linear_activation_backward,
        sample=samples.backward_block,
        evaluate=only(by_hand.backward_block, "dA_prev"),
        forward=forwards.backward_block,
        gradients=("dA_prev",),
        per_example=("dA_prev",),
        misprint=Misprint(
            printed=r"da^{[l-a]}",
            wrong="an index: a is an array, not a layer",
            slips=(Slip(_named_by_the_activation, "raises TypeError"),),
        ),
    ),
    Formula(
        id="X36",
        title="1/m in the entries as in the matrix",
        notes=("003",),
        latex=r"dW_{ij} = \frac{1}{m} \sum_k A_j^{(k)} dZ_i^{(k)}; \quad dW = \frac{1}{m} dZ A^T",
        function=written_out.two_unit_backward,
        sample=samples.backward_block,
        evaluate=_entry_by_entry,
        others=(only(by_hand.backward_block, "dW"),),
        forward=forwards.backward_block,
        gradients=("dW",),
        misprint=Misprint(
            printed=r"dW_{11} = A\, dZ \ \mathrm{beside}\ dW = \frac{1}{m} dZ A^T",
            wrong="two conventions side by side",
            slips=(Slip(_sums_of_products, "wrong number"),),
        ),
    ),
]
