"""S1 to S7 and A1 to A4: the two-layer network, and activations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from tinygrad_edu.course import activations, initialisation, l_layer, two_layer
from tinygrad_edu.course.catalogue import by_hand, forwards, samples
from tinygrad_edu.course.catalogue.entry import Evaluate, Formula, Sizes, Values, only
from tinygrad_edu.course.catalogue.forwards import parameters_of, shapes_of
from tinygrad_edu.course.shapes import Array

__all__ = ["ROWS"]


def _unit_by_unit(X: Array, g: str, Y: Array, **parameters: Array) -> Values:  # noqa: ARG001
    return dict(zip(("z1", "a1"), two_layer.forward_by_units(X, parameters), strict=True))


def _example_by_example(X: Array, Y: Array, g: str, **parameters: Array) -> Values:  # noqa: ARG001
    return two_layer.forward_by_examples(X, parameters, g)[1]


def _shapes(**given: Array) -> Values:
    shapes = l_layer.network_shapes(
        [len(given["X"]), len(given["b1"]), len(given["b2"])], given["X"].shape[1]
    )
    of_gradients = {f"d{name}": shape for name, shape in shapes.items() if name != "A0"}
    return {f"shape of {name}": shape for name, shape in {**shapes, **of_gradients}.items()}


def _shapes_found(**given: Array) -> Values:
    values = forwards.two_layers(**given)
    arrays = {"A0": given["X"], **parameters_of(given), **values}
    return {**values, **shapes_of({name: value for name, value in arrays.items() if name != "J"})}


def _shapes_of_gradients(given: Values, values: Values, grads: Values) -> Values:  # noqa: ARG001
    return {
        name: shape
        for name, shape in shapes_of({f"d{name}": value for name, value in grads.items()}).items()
        if name != "shape of dX"
    }


def _equal_units(rng: np.random.Generator, n: Sizes) -> dict[str, Array]:
    """A network whose hidden units are all alike, as they are after each step that began with W = 0."""
    given = samples.two_layer(rng, n)
    alike = {"W1": given["W1"][[0] * n.n1], "b1": given["b1"][[0] * n.n1], "W2": given["W2"][:, [0] * n.n1]}
    return {**given, **alike, "seed": int(rng.integers(1000))}


def _initialisation(X: Array, Y: Array, g: str, seed: int, **parameters: Array) -> Values:
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
    of_rows = np.ptp(np.hstack([parameters["W1"], parameters["b1"]]), axis=0).max()
    return float(max(of_rows, np.ptp(parameters["W2"], axis=1).max()))


def _drawn(X: Array, Y: Array, g: str, seed: int, **parameters: Array) -> Values:
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


def _collapsed(X: Array, **parameters: Array) -> Values:
    W, b = two_layer.collapse(parameters)
    return {"Z2": W @ X + b}


def _activation(g: Callable[[Array], Array]) -> Evaluate:
    """Forward: a = g(z), and a cost whose derivative in z is the slope."""

    def forward(z: Array) -> Values:
        a = g(z)
        return {"a": a, "J": np.sum(a)}

    return forward


def _slope(name: str) -> Evaluate:
    g, slope = activations.activation(name)
    return lambda z: {"a": g(z), "dz": slope(z, g(z))}


def _by_exponentials(z: Array) -> Values:
    a = activations.tanh_by_exponentials(z)
    return {"a": a, "dz": activations.tanh_slope(a)}


ROWS = [
    Formula(
        id="S1",
        title="A layer unit by unit, and stacked",
        notes=("000", "004"),
        latex=r"z_i^{[1]} = w_i^{[1]T} x + b_i^{[1]},\ a_i^{[1]} = \sigma(z_i^{[1]})",
        function=two_layer.forward_by_units,
        sample=partial(samples.two_layer_one_example, hidden=("sigmoid",)),
        evaluate=_unit_by_unit,
        forward=forwards.two_layers_one_example,
    ),
    Formula(
        id="S2",
        title="Two layers forward",
        notes=("000", "004"),
        latex=r"Z^{[1]} = W^{[1]} X + b^{[1]},\ A^{[1]} = g(Z^{[1]}),"
        r"\ Z^{[2]} = W^{[2]} A^{[1]} + b^{[2]},\ A^{[2]} = \sigma(Z^{[2]})",
        function=two_layer.forward_propagation,
        sample=samples.two_layer,
        evaluate=_example_by_example,
        others=(only(by_hand.two_layers, "Z1", "A1", "Z2", "A2"),),
        forward=forwards.two_layers,
    ),
    Formula(
        id="S3",
        title="Two layers backward, one example",
        notes=("000", "004"),
        latex=r"dz^{[2]} = a^{[2]} - y,\ dW^{[2]} = dz^{[2]} a^{[1]T},\ db^{[2]} = dz^{[2]};\quad"
        r" dz^{[1]} = W^{[2]T} dz^{[2]} * g'(z^{[1]}),\ dW^{[1]} = dz^{[1]} x^T,\ db^{[1]} = dz^{[1]}",
        function=two_layer.backward_one,
        sample=samples.two_layer_one_example,
        evaluate=by_hand.two_layers_one_example,
        forward=forwards.two_layers_one_example,
        gradients=("dz2", "dW2", "db2", "dz1", "dW1", "db1"),
    ),
    Formula(
        id="S4",
        title="Two layers backward, vectorised",
        notes=("000", "004"),
        latex=r"dZ^{[2]} = A^{[2]} - Y,\ dW^{[2]} = \frac{1}{m} dZ^{[2]} A^{[1]T},"
        r"\ db^{[2]} = \frac{1}{m} \sum_i dZ^{[2](i)};\quad dZ^{[1]} = W^{[2]T} dZ^{[2]} * g'(Z^{[1]}),"
        r"\ dW^{[1]} = \frac{1}{m} dZ^{[1]} X^T,\ db^{[1]} = \frac{1}{m} \sum_i dZ^{[1](i)}",
        function=two_layer.backward_propagation,
        sample=samples.two_layer,
        evaluate=by_hand.two_layers,
        forward=forwards.two_layers,
        gradients=("dZ2", "dW2", "db2", "dZ1", "dW1", "db1"),
        per_example=("dZ2", "dZ1"),
    ),
    Formula(
        id="S5",
        title="Shapes of two layers",
        notes=("000", "004"),
        latex=r"W^{[1]}: (n_1, n_0),\ W^{[2]}: (n_2, n_1),\ b^{[l]}: (n_l, 1),\ Z^{[l]}, A^{[l]}: (n_l, m)",
        function=l_layer.network_shapes,
        sample=samples.two_layer,
        evaluate=_shapes,
        forward=_shapes_found,
        derived=_shapes_of_gradients,
    ),
    Formula(
        id="S6",
        title="Initialisation, and the symmetry of equal units",
        notes=("000", "004"),
        latex=r"W^{[l]} = 0.01 \cdot \mathcal{N}(0, 1),\ b^{[l]} = 0; \quad"
        r" w_i^{[1]} = w_k^{[1]} \Rightarrow dw_i^{[1]} = dw_k^{[1]}",
        function=initialisation.initialize_parameters,
        sample=_equal_units,
        evaluate=_initialisation,
        forward=_drawn,
        gradients=("dW1", "db1", "dW2", "db2"),
    ),
    Formula(
        id="S7",
        title="Linear layers collapse into one",
        notes=("000", "004"),
        latex=r"W^{[2]} (W^{[1]} X + b^{[1]}) + b^{[2]}"
        r" = (W^{[2]} W^{[1]}) X + (W^{[2]} b^{[1]} + b^{[2]})",
        function=two_layer.collapse,
        sample=lambda rng, n: {k: v for k, v in samples.two_layer(rng, n).items() if k not in "gY"},
        evaluate=_collapsed,
        forward=forwards.linear_layers,
    ),
    Formula(
        id="A1",
        title="The sigmoid's slope",
        notes=("000", "004"),
        latex=r"a = \sigma(z), \quad \sigma'(z) = a(1 - a)",
        function=activations.sigmoid_slope,
        sample=samples.scores,
        evaluate=_slope("sigmoid"),
        forward=_activation(activations.sigmoid),
        gradients=("dz",),
    ),
    Formula(
        id="A2",
        title="The hyperbolic tangent and its slope",
        notes=("000", "004"),
        latex=r"\tanh z = \frac{e^z - e^{-z}}{e^z + e^{-z}}, \quad \tanh'(z) = 1 - a^2",
        function=activations.tanh_slope,
        sample=samples.scores,
        evaluate=_by_exponentials,
        others=(_slope("tanh"),),
        forward=_activation(activations.tanh),
        gradients=("dz",),
    ),
    Formula(
        id="A3",
        title="ReLU and its slope",
        notes=("000", "004"),
        latex=r"a = \max(0, z), \quad g'(z) = 0 \ (z < 0),\ 1 \ (z > 0)",
        function=activations.relu_slope,
        sample=samples.scores,
        evaluate=_slope("relu"),
        forward=_activation(activations.relu),
        gradients=("dz",),
    ),
    Formula(
        id="A4",
        title="Leaky ReLU and its slope",
        notes=("000", "004"),
        latex=r"a = \max(0.01 z, z), \quad g'(z) = 0.01 \ (z < 0),\ 1 \ (z > 0)",
        function=activations.leaky_relu_slope,
        sample=samples.scores,
        evaluate=_slope("leaky_relu"),
        forward=_activation(activations.leaky_relu),
        gradients=("dz",),
    ),
]
