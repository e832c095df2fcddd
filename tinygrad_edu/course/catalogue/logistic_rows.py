"""G1 to G3 and L1 to L15: the computation graph, and logistic regression."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course import activations, costs, logistic, written_out
from tinygrad_edu.course.catalogue import by_hand, forwards, samples
from tinygrad_edu.course.catalogue.entry import Formula, Sizes, Values, only
from tinygrad_edu.course.shapes import Array

__all__ = ["ROWS"]


def _scalars(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:  # noqa: ARG001  (scalars have no size)
    return {name: np.asarray(value) for name, value in zip("abc", rng.uniform(1.0, 6.0, 3), strict=True)}


def _example_graph(a: Array, b: Array, c: Array) -> Values:
    u = b * c
    v = a + u
    return {"u": u, "v": v, "J": 3 * v}


def _loop(w: Array, b: Array, X: Array, Y: Array) -> Values:
    Z, A = logistic.forward_loop(w, b, X)
    return {"Z": Z, "A": A, "J": logistic.propagate_loop(w, b, X, Y)[1]}


def _mean_loss(w: Array, b: Array, X: Array, Y: Array) -> Values:
    return {"J": np.mean(costs.cross_entropy(logistic.forward_loop(w, b, X)[1], Y))}


def _sum_of_products(w: Array, b: Array, x: Array, y: Array) -> Values:  # noqa: ARG001
    return {"z": sum(w_j * x_j for w_j, x_j in zip(w, x, strict=True)).reshape(1, 1) + b}


def _squared(a: Array, y: Array) -> Values:
    return {"L": costs.squared_loss(a, y), "J": np.sum(costs.squared_loss(a, y))}


def _cross_entropy(a: Array, y: Array) -> Values:
    loss = costs.cross_entropy(a, y)
    return {"L": loss, "J": np.sum(loss)}


def _sigmoid(z: Array) -> Values:
    a = activations.sigmoid(z)
    return {"a": a, "J": np.sum(a)}


def _looped(w: Array, b: Array, X: Array, Y: Array) -> Values:
    grads, J = logistic.propagate_loop(w, b, X, Y)
    return {"J": J, **grads}


def _each_dw(w: Array, b: Array, x: Array, y: Array) -> Values:
    dz = logistic.gradients_one(w, b, x, y)["dz"].item()
    return {"dw": np.array([[x_j * dz] for x_j in x[:, 0]]), "db": np.array([[dz]])}


def _update_by_gradients(given: Values, values: Values, grads: Values) -> Values:  # noqa: ARG001
    return {f"new {name}": given[name] - given["alpha"] * grads[name] for name in "wb"}


ROWS = [
    Formula(
        id="G1",
        title="The computation graph J = 3(a + bc)",
        notes=("000",),
        latex=r"u = bc,\ v = a + u,\ J = 3v;\quad dv = 3,\ da = dv,\ du = dv,\ db = c\,du,\ dc = b\,du",
        function=written_out.example_graph,
        sample=_scalars,
        evaluate=written_out.example_graph,
        forward=_example_graph,
        gradients=("dv", "da", "du", "db", "dc"),
    ),
    Formula(
        id="G2",
        title="The graph of one example",
        notes=("000",),
        latex=r"z = w^T x + b \to a = \sigma(z) \to \mathcal{L}(a, y)",
        function=logistic.forward_one,
        sample=samples.one_example,
        evaluate=only(by_hand.logistic_one, "z", "a", "L"),
        forward=forwards.logistic_one,
    ),
    Formula(
        id="G3",
        title="The graph of m examples, as a loop and vectorised",
        notes=("000",),
        latex=r"Z = w^T X + b \to A = \sigma(Z) \to J = \frac{1}{m} \sum_i \mathcal{L}(a^{(i)}, y^{(i)})",
        function=logistic.forward,
        sample=samples.logistic,
        evaluate=_loop,
        others=(only(by_hand.logistic_regression, "Z", "A", "J"),),
        forward=forwards.logistic_regression,
    ),
    Formula(
        id="L1",
        title="The linear part",
        notes=("000", "002"),
        latex=r"z = w_1 x_1 + w_2 x_2 + w_3 x_3 + b = w^T x + b",
        function=logistic.forward_one,
        sample=samples.one_example,
        evaluate=_sum_of_products,
        others=(only(by_hand.logistic_one, "z"),),
        forward=forwards.logistic_one,
    ),
    Formula(
        id="L2",
        title="The sigmoid",
        notes=("000", "002"),
        latex=r"\hat y = a = \sigma(z) = \frac{1}{1 + e^{-z}} = \frac{e^z}{e^z + 1}",
        function=activations.sigmoid,
        sample=samples.scores,
        evaluate=lambda z: {"a": activations.sigmoid(z)},
        others=(lambda z: {"a": activations.sigmoid_by_ez(z)},),
        forward=_sigmoid,
    ),
    Formula(
        id="L3",
        title="The squared loss (not convex in w, so not used)",
        notes=("000", "002"),
        latex=r"\mathcal{L} = \frac{1}{2} (\hat y - y)^2, \quad da = \hat y - y",
        function=costs.squared_loss,
        sample=samples.predictions,
        evaluate=lambda a, y: {"L": costs.squared_loss(a, y), "da": a - y},
        forward=_squared,
        gradients=("da",),
    ),
    Formula(
        id="L4",
        title="The likelihood of a label",
        notes=("000",),
        latex=r"p(y \mid x) = \hat y^y (1 - \hat y)^{1-y}, \quad \mathcal{L} = -\log p(y \mid x)",
        function=costs.likelihood,
        sample=samples.predictions,
        evaluate=lambda a, y: {"p": costs.likelihood(a, y), "L": -np.log(costs.likelihood(a, y))},
        others=(lambda a, y: {"p": np.where(y == 1, a, 1 - a), "L": costs.cross_entropy(a, y)},),
        forward=lambda a, y: {"p": a**y * (1 - a) ** (1 - y), **_cross_entropy(a, y)},
    ),
    Formula(
        id="L5",
        title="The cross-entropy of one example",
        notes=("000", "002", "003"),
        latex=r"\mathcal{L} = -\left(y \log \hat y + (1 - y) \log(1 - \hat y)\right)",
        function=costs.cross_entropy,
        sample=samples.predictions,
        evaluate=lambda a, y: {"L": costs.cross_entropy(a, y)},
        others=(lambda a, y: {"L": np.where(y == 1, -np.log(a), -np.log(1 - a))},),
        forward=_cross_entropy,
    ),
    Formula(
        id="L6",
        title="The cost of m examples",
        notes=("000", "002"),
        latex=r"J(w, b) = \frac{1}{m} \sum_{i=1}^m \mathcal{L}(\hat y^{(i)}, y^{(i)})",
        function=costs.compute_cost,
        sample=samples.logistic,
        evaluate=_mean_loss,
        others=(only(by_hand.logistic_regression, "J"),),
        forward=forwards.logistic_regression,
    ),
    Formula(
        id="L7",
        title="The derivative of the loss",
        notes=("000", "001", "002"),
        latex=r"da = \frac{d\mathcal{L}}{da} = -\frac{y}{a} + \frac{1-y}{1-a}",
        function=costs.loss_derivative,
        sample=samples.predictions,
        evaluate=lambda a, y: {"da": costs.loss_derivative(a, y)},
        forward=_cross_entropy,
        gradients=("da",),
    ),
    Formula(
        id="L8",
        title="The derivative of the sigmoid, in six steps",
        notes=("000", "002", "004"),
        latex=r"\frac{da}{dz} = \frac{e^{-z}}{(1 + e^{-z})^2}"
        r" = \frac{1}{1 + e^{-z}} \cdot \frac{1 + e^{-z} - 1}{1 + e^{-z}} = a(1 - a)",
        function=activations.sigmoid_slope_steps,
        sample=samples.scores,
        evaluate=lambda z: {"dz": activations.sigmoid_slope(activations.sigmoid(z))},
        others=tuple(lambda z, k=k: {"dz": activations.sigmoid_slope_steps(z)[k]} for k in range(6)),
        forward=_sigmoid,
        gradients=("dz",),
    ),
    Formula(
        id="L9",
        title="The chain of loss and sigmoid",
        notes=("000", "002"),
        latex=r"dz = da \cdot a(1 - a) = a - y",
        function=logistic.gradients_one,
        sample=samples.one_example,
        evaluate=only(by_hand.logistic_one, "dz"),
        others=(lambda w, b, x, y: {"dz": logistic.forward_one(w, b, x)[1] - y},),
        forward=forwards.logistic_one,
        gradients=("dz",),
    ),
    Formula(
        id="L10",
        title="The gradients of one example",
        notes=("000", "002"),
        latex=r"dw_j = x_j\,dz, \quad dw = x\,dz, \quad db = dz",
        function=logistic.gradients_one,
        sample=samples.one_example,
        evaluate=only(by_hand.logistic_one, "dw", "db"),
        others=(_each_dw,),
        forward=forwards.logistic_one,
        gradients=("dw", "db"),
    ),
    Formula(
        id="L11",
        title="The loop over m examples",
        notes=("000",),
        latex=r"J {+}{=} \mathcal{L}^{(i)},\ dw_j {+}{=} x_j^{(i)} dz^{(i)},"
        r"\ db {+}{=} dz^{(i)};\quad J, dw_j, db {/}{=} m",
        function=logistic.propagate_loop,
        sample=samples.logistic,
        evaluate=_looped,
        forward=forwards.logistic_regression,
        gradients=("dw", "db"),
    ),
    Formula(
        id="L12",
        title="Logistic regression, vectorised",
        notes=("000",),
        latex=r"Z = w^T X + b,\ A = \sigma(Z);\quad dZ = A - Y,\ dw = \frac{1}{m} X\,dZ^T,"
        r"\ db = \frac{1}{m} \sum_i dz^{(i)}",
        function=logistic.propagate,
        sample=samples.logistic,
        evaluate=by_hand.logistic_regression,
        forward=forwards.logistic_regression,
        gradients=("dZ", "dw", "db"),
        per_example=("dZ",),
    ),
    Formula(
        id="L13",
        title="The update",
        notes=("000", "002"),
        latex=r"w := w - \alpha\,dw, \quad b := b - \alpha\,db, \quad \Delta w = \alpha \frac{dJ}{dw}",
        function=logistic.update,
        sample=lambda rng, n: {**samples.logistic(rng, n), "alpha": float(rng.uniform(0.01, 0.5))},
        evaluate=by_hand.updated,
        forward=lambda alpha, **given: forwards.logistic_regression(**given),
        derived=_update_by_gradients,
    ),
    Formula(
        id="L14",
        title="The mean of the examples' derivatives",
        notes=("002",),
        latex=r"\frac{dJ}{dw} = \frac{1}{m} \sum_i \frac{d\mathcal{L}^{(i)}}{dw}",
        function=logistic.mean_of_examples,
        sample=samples.logistic,
        evaluate=logistic.mean_of_examples,
        forward=forwards.logistic_regression,
        gradients=("dw", "db"),
    ),
    Formula(
        id="L15",
        title="A matrix product against three loops",
        notes=("002",),
        latex=r"RES = W X, \ RES_{ij} = \sum_{k=1}^h W_{ik} X_{kj}: \ m \cdot n \cdot h\ \mathrm{products}",
        function=written_out.matmul_by_loops,
        sample=lambda rng, n: {k: v for k, v in samples.two_layer(rng, n).items() if k in ("W1", "X")},
        evaluate=lambda W1, X: dict(
            zip(("RES", "products"), written_out.matmul_by_loops(W1, X), strict=True)
        ),
        forward=lambda W1, X: {"RES": W1 @ X, "products": W1.shape[0] * W1.shape[1] * X.shape[1]},
    ),
]
