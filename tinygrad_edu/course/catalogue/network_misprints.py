"""The ✗ rows about two layers, and the code beside them: X6, X7, X9, X22, X23, X26, X34, X35, X37 to X39."""

from __future__ import annotations

import ast
from functools import partial
from typing import Any

import numpy as np

from tinygrad_edu.course import activations, initialisation, two_layer, written_out
from tinygrad_edu.course.catalogue import by_hand, forwards, samples
from tinygrad_edu.course.catalogue.entry import Formula, Kind, Misprint, Sizes, Slip, Values, only
from tinygrad_edu.course.shapes import Array

__all__ = ["ROWS"]


def _slip(name: str, printed: Any, kind: Kind, square: Kind | None = None) -> Slip:
    """A slip in terms of v: the inputs, and all quantities as derived by hand."""

    def evaluate(**given: Any) -> Values:
        return {name: printed({**given, **by_hand.two_layers(**given)})}

    return Slip(evaluate, kind, square)


def _dz1_without_transpose(X: Array, Y: Array, g: str, **parameters: Array) -> Values:
    _, cache = two_layer.forward_propagation(X, parameters, g)
    slope = activations.activation(g).slope(cache["Z1"], cache["A1"])
    return {"dz1": parameters["W2"] @ (cache["A2"] - Y) * slope}


def _seeded(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:  # noqa: ARG001  (two units, as printed)
    return {"seed": int(rng.integers(1000))}


def _first_layer(seed: int) -> Values:
    drawn = initialisation.initialize_parameters_deep([2, 2], seed)
    return {"W": drawn["W1"], "b": drawn["b1"]}


def _first_layer_by_randn(seed: int) -> Values:
    return {"W": 0.01 * np.random.RandomState(seed).randn(2, 2), "b": np.zeros((2, 1))}


def _randn_of_a_tuple(seed: int) -> Values:
    return {"W": 0.01 * np.random.RandomState(seed).randn((2, 2))}  # type: ignore[call-overload]


def _zero(seed: int) -> Values:  # noqa: ARG001
    return {"b": np.zero((2, 1))}  # type: ignore[attr-defined]


THREE_LOOPS = """
for i in range(n):
    for j in range(m):
    for k in range(h):
        RES[i, j] += W[i, k] * X[k, j]
"""


def _three_loops_as_printed(W1: Array, X: Array) -> Values:  # noqa: ARG001
    ast.parse(THREE_LOOPS)  # nothing has to run: Python does not read it
    return {}


def _three_loops_once_more(W1: Array, X: Array) -> Values:
    """Without zeroing, RES still holds what an earlier run put there."""
    before, _ = written_out.matmul_by_loops(W1, X)
    now, _ = written_out.matmul_by_loops(W1, X)
    return {"RES": before + now}


ROWS = [
    Formula(
        id="X6",
        title="db of the second layer",
        notes=("000",),
        latex=r"db^{[2]} = \frac{1}{m}\, \mathrm{np.sum}(dZ^{[2]}, axis{=}1, keepdims{=}True)",
        function=two_layer.backward_propagation,
        sample=samples.two_layer,
        evaluate=only(by_hand.two_layers, "db2"),
        forward=forwards.two_layers,
        gradients=("db2",),
        misprint=Misprint(
            printed=r"db^{[2]} = \mathrm{np.sum}(dZ^{[2]}, axis{=}1, keepdims{=}True)",
            wrong="1/m missing",
            slips=(_slip("db2", lambda v: np.sum(v["dZ2"], axis=1, keepdims=True), "wrong number"),),
        ),
    ),
    Formula(
        id="X7",
        title="dz of a hidden layer, one example",
        notes=("000",),
        latex=r"dz^{[l]} = W^{[l+1]T} dz^{[l+1]} * g'(z^{[l]})",
        function=two_layer.backward_one,
        sample=samples.two_layer_one_example,
        evaluate=only(by_hand.two_layers_one_example, "dz1"),
        forward=forwards.two_layers_one_example,
        gradients=("dz1",),
        misprint=Misprint(
            printed=r"dz^{[l]} = w^{[l+1]} dz^{[l+1]} * g'(z^{[l]})",
            wrong="a transpose",
            slips=(Slip(_dz1_without_transpose, "raises ValueError", square="wrong number"),),
        ),
    ),
    Formula(
        id="X9",
        title="Random weights and zero biases in NumPy",
        notes=("000", "004"),
        latex=r"\mathrm{np.random.randn}(2, 2) \cdot 0.01, \quad \mathrm{np.zeros}((2, 1))",
        function=initialisation.initialize_parameters_deep,
        sample=_seeded,
        evaluate=_first_layer,
        forward=_first_layer_by_randn,
        misprint=Misprint(
            printed=r"\mathrm{np.random.randn}((2, 2)), \quad \mathrm{np.zero}((2, 1))",
            wrong="not NumPy",
            slips=(Slip(_randn_of_a_tuple, "raises TypeError"), Slip(_zero, "raises AttributeError")),
        ),
    ),
    Formula(
        id="X22",
        title="The second layer's input is A[1]",
        notes=("004",),
        latex=r"Z^{[2]} = W^{[2]} A^{[1]} + b^{[2]}",
        function=two_layer.forward_propagation,
        sample=samples.two_layer,
        evaluate=only(by_hand.two_layers, "Z2"),
        forward=forwards.two_layers,
        misprint=Misprint(
            printed=r"Z^{[2]} = W^{[2]} X + b^{[2]}",
            wrong="another layer's input",
            slips=(_slip("Z2", lambda v: v["W2"] @ v["X"] + v["b2"], "raises ValueError", "wrong number"),),
        ),
    ),
    Formula(
        id="X23",
        title="dZ of the hidden layer",
        notes=("004",),
        latex=r"dZ^{[1]} = W^{[2]T} dZ^{[2]} * g'(Z^{[1]})",
        function=two_layer.backward_propagation,
        sample=samples.two_layer,
        evaluate=only(by_hand.two_layers, "dZ1"),
        forward=forwards.two_layers,
        gradients=("dZ1",),
        per_example=("dZ1",),
        misprint=Misprint(
            printed=r"dZ^{[1]} = W^{[2]} dZ^{[2]} * g(Z^{[1]})",
            wrong="the transpose (right elsewhere), and g for g' (both times)",
            slips=(
                _slip("dZ1", lambda v: v["W2"] @ v["dZ2"] * v["A1"], "raises ValueError", "wrong number"),
                _slip("dZ1", lambda v: v["W2"].T @ v["dZ2"] * v["A1"], "wrong number"),
            ),
        ),
    ),
    Formula(
        id="X26",
        title="The first layer's bias has an index",
        notes=("000",),
        latex=r"W^{[1]} [x^{(1)} \ \ldots \ x^{(m)}] + b^{[1]} = Z^{[1]}",
        function=two_layer.forward_propagation,
        sample=samples.two_layer,
        evaluate=only(by_hand.two_layers, "Z1"),
        forward=forwards.two_layers,
        misprint=Misprint(
            printed=r"W^{[1]} [x^{(1)} \ \ldots \ x^{(m)}] + b = Z^{[1]}",
            wrong="an index lost: no parameter is called b",
            slips=(_slip("Z1", lambda v: v["W1"] @ v["X"] + v["b"], "raises KeyError"),),
        ),
    ),
    Formula(
        id="X34",
        title="A matrix product by three loops",
        notes=("002",),
        latex=r"RES = 0; \quad RES_{ij} \ {+}{=} \ W_{ik} X_{kj}\ \mathrm{for\ all}\ i, j, k",
        function=written_out.matmul_by_loops,
        sample=lambda rng, n: {k: v for k, v in samples.two_layer(rng, n).items() if k in ("W1", "X")},
        evaluate=lambda W1, X: {"RES": written_out.matmul_by_loops(W1, X)[0]},
        forward=lambda W1, X: {"RES": W1 @ X},
        misprint=Misprint(
            printed=r"\mathrm{for}\ k\ \mathrm{not\ indented},\ RES\ \mathrm{not\ zeroed}",
            wrong="does not run; and then adds to what RES held before",
            slips=(
                Slip(_three_loops_as_printed, "raises IndentationError"),
                Slip(_three_loops_once_more, "wrong number"),
            ),
        ),
    ),
    Formula(
        id="X35",
        title="A sum that keeps its dimensions",
        notes=("003",),
        latex=r"db = \frac{1}{m}\, \mathrm{np.sum}(dZ, axis{=}1, keepdims{=}True)",
        function=two_layer.backward_propagation,
        sample=samples.two_layer,
        evaluate=only(by_hand.two_layers, "db1", "db2"),
        forward=forwards.two_layers,
        gradients=("db1", "db2"),
        misprint=Misprint(
            printed=r"\mathrm{np.sum}(\ldots, keepdim{=}True)",
            wrong="the keyword is keepdims",
            slips=(_slip("db2", lambda v: np.sum(v["dZ2"], axis=1, keepdim=True), "raises TypeError"),),  # type: ignore[call-overload]
        ),
    ),
    Formula(
        id="X37",
        title="dW of the second layer",
        notes=("004",),
        latex=r"dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]T}",
        function=two_layer.backward_propagation,
        sample=samples.two_layer,
        evaluate=only(by_hand.two_layers, "dW2"),
        forward=forwards.two_layers,
        gradients=("dW2",),
        misprint=Misprint(
            printed=r"dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]}",
            wrong="a transpose",
            slips=(
                _slip(
                    "dW2", lambda v: v["dZ2"] @ v["A1"] / v["X"].shape[1], "raises ValueError", "wrong number"
                ),
            ),
        ),
    ),
    Formula(
        id="X38",
        title="A - Y is dZ, not Z",
        notes=("004",),
        latex=r"dZ^{[2]} = A^{[2]} - Y",
        function=two_layer.backward_propagation,
        sample=samples.two_layer,
        evaluate=only(by_hand.two_layers, "Z2", "dZ2"),
        forward=forwards.two_layers,
        gradients=("dZ2",),
        per_example=("dZ2",),
        misprint=Misprint(
            printed=r"Z^{[2]} = A^{[2]} - Y",
            wrong="d lost",
            slips=(_slip("Z2", lambda v: v["A2"] - v["Y"], "wrong number"),),
        ),
    ),
    Formula(
        id="X39",
        title="The slope of tanh",
        notes=("004",),
        latex=r"\tanh'(z) = 1 - \tanh(z)^2",
        function=activations.tanh_slope,
        sample=partial(samples.two_layer, hidden=("tanh",)),
        evaluate=only(by_hand.two_layers, "dZ1"),
        forward=forwards.two_layers,
        gradients=("dZ1",),
        per_example=("dZ1",),
        misprint=Misprint(
            printed=r"\tanh'(z) = 1 - \tanh(z)",
            wrong="the square lost (once)",
            slips=(_slip("dZ1", lambda v: v["W2"].T @ v["dZ2"] * (1 - np.tanh(v["Z1"])), "wrong number"),),
        ),
    ),
]
