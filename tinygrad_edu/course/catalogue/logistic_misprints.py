"""The ✗ rows about one unit, its loss and its cost: X1 to X5, X12, X13, X24, X25, X28 to X33."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.course import costs, logistic
from tinygrad_edu.course.activations import sigmoid
from tinygrad_edu.course.catalogue import by_hand, forwards, samples
from tinygrad_edu.course.catalogue.entry import Formula, Misprint, Sizes, Slip, Values, only
from tinygrad_edu.course.shapes import Array

__all__ = ["ROWS"]


def _cost_with_the_parenthesis(w: Array, b: Array, X: Array, Y: Array) -> Values:
    _, A = logistic.forward(w, b, X)
    return {"J": -np.mean(Y * np.log(A) + (1 - Y * np.log(1 - A)))}


def _one_label_in_J(w: Array, b: Array, X: Array, Y: Array) -> Values:
    _, A = logistic.forward(w, b, X)
    return {"J": np.mean(costs.cross_entropy(A, Y[:, :1]))}


def _one_label_in_the_derivative(w: Array, b: Array, X: Array, Y: Array) -> Values:
    _, A = logistic.forward(w, b, X)
    return {"dw": X @ (A - Y[:, :1]).T / X.shape[1]}


def _Z_after_the_first(w: Array, b: Array, X: Array, Y: Array) -> Values:
    Z, A = logistic.forward(w, b, X)
    return {"dZ": np.hstack([A[:, :1], Z[:, 1:]]) - Y}


def _row_of_products(w: Array, b: Array, X: Array, Y: Array) -> Values:
    _, A = logistic.forward(w, b, X)
    dZ = A - Y
    columns = [X[:, [i]] * dZ[0, i] for i in range(X.shape[1])]
    return {"dw": np.hstack(columns) / X.shape[1]}


def _index_as_power(w: Array, b: Array, X: Array, Y: Array) -> Values:
    _, A = logistic.forward(w, b, X)
    i = np.arange(1, X.shape[1] + 1)
    return {"J": np.mean(costs.cross_entropy(A**i, Y))}


def _w_of_each_example(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """The derivatives in w⁽ⁱ⁾ and b⁽ⁱ⁾: as many as there are examples."""
    _, A = logistic.forward(w, b, X)
    return {"dw": X * (A - Y) / X.shape[1], "db": (A - Y) / X.shape[1]}


def _if_it_were_linear(w: Array, b: Array, X: Array, Y: Array) -> Values:
    """What dJ/dw would be, halfway between 0 and 2w, if it were linear in w."""
    ends = [logistic.propagate(c * w, b, X, Y)[0]["dw"] for c in (0, 2)]
    return {"dw": sum(ends) / 2}


def _with_rate(rng: np.random.Generator, n: Sizes) -> dict[str, Any]:
    """A learning rate, and a step t along -dJ/dw, at 0."""
    return {**samples.logistic(rng, n), "alpha": float(rng.uniform(0.01, 0.5)), "t": np.asarray(0.0)}


def _steps(alpha: float, t: Array, **given: Array) -> Values:  # noqa: ARG001
    grads, _ = logistic.propagate(**given)
    return {"Δw": alpha * grads["dw"], "dt": -(np.sum(grads["dw"] ** 2) + grads["db"] ** 2)}


def _along_the_slope(w: Array, b: Array, X: Array, Y: Array, alpha: float, t: Array) -> Values:  # noqa: ARG001
    """J(w - t dJ/dw, b - t dJ/db)."""
    grads, _ = logistic.propagate(w, b, X, Y)
    return forwards.logistic_regression(*logistic.update(w, b, grads, t), X, Y)


def _rate_times_gradient(given: Values, values: Values, grads: Values) -> Values:  # noqa: ARG001
    return {"Δw": given["alpha"] * grads["w"]}


def _height_as_rate(alpha: float, t: Array, **given: Array) -> Values:  # noqa: ARG001
    grads, J = logistic.propagate(**given)
    w, b = logistic.update(given["w"], given["b"], grads, alpha)
    _, J_after = logistic.propagate(w, b, given["X"], given["Y"])
    return {"Δw": (J - J_after) * grads["dw"]}


def _row_times_column(w: Array, b: Array, x: Array, y: Array) -> Values:  # noqa: ARG001
    return {"z": np.dot(x.T, w) + b}


def _column_times_row(w: Array, b: Array, x: Array, y: Array) -> Values:  # noqa: ARG001
    return {"z": np.dot(w, x.T) + b}


def _transposed_beside_a_row(w: Array, b: Array, x: Array, y: Array) -> Values:  # noqa: ARG001
    return {"z": w.T @ x.T + b}


def _logarithm_to(base: float) -> Slip:
    return Slip(lambda a, y: {"L": costs.cross_entropy(a, y) / np.log(base)}, "wrong number")


def _loss(a: Array, y: Array) -> Values:
    loss = costs.cross_entropy(a, y)
    return {"log p": -loss, "L": loss, "J": np.sum(loss)}


def _columns(examples: Array) -> Values:
    m, n = examples.shape
    return {"X": np.array([[examples[i, j] for i in range(m)] for j in range(n)])}


def _one_feature_for_the_last(examples: Array) -> Values:
    X = examples.T.copy()
    X[-1, 1:-1] = examples[1:-1, 3]  # the row ends in x_4i, but for its first and last entry
    return {"X": X}


ROWS = [
    Formula(
        id="X1",
        title="The loop's cost",
        notes=("000",),
        latex=r"J \ {+}{=} \ -\left[y \log a + (1 - y) \log(1 - a)\right]",
        function=logistic.propagate_loop,
        sample=samples.logistic,
        evaluate=lambda **given: {"J": logistic.propagate_loop(**given)[1]},
        forward=forwards.logistic_regression,
        misprint=Misprint(
            printed=r"J \ {+}{=} \ -\left[y \log a + (1 - y \log(1 - a))\right]",
            wrong="a parenthesis",
            slips=(Slip(_cost_with_the_parenthesis, "wrong number"),),
        ),
    ),
    Formula(
        id="X2",
        title="Each example has its own label",
        notes=("000",),
        latex=r"\frac{\partial J}{\partial w_1}"
        r" = \frac{1}{m} \sum_i \frac{\partial}{\partial w_1} \mathcal{L}(a^{(i)}, y^{(i)})",
        function=logistic.mean_of_examples,
        sample=samples.logistic,
        evaluate=only(by_hand.logistic_regression, "J", "dw"),
        others=(lambda **given: {"dw": logistic.mean_of_examples(**given)["dw"]},),
        forward=forwards.logistic_regression,
        gradients=("dw",),
        misprint=Misprint(
            printed=r"\frac{1}{m} \sum_i \frac{\partial}{\partial w_1} \mathcal{L}(a^{(i)}, y^{(1)})",
            wrong="one label for all examples (in J, and in its derivative)",
            slips=(
                Slip(_one_label_in_J, "wrong number"),
                Slip(_one_label_in_the_derivative, "wrong number"),
            ),
        ),
    ),
    Formula(
        id="X3",
        title="dZ of m examples",
        notes=("000",),
        latex=r"dZ = (a^{(1)} - y^{(1)}, a^{(2)} - y^{(2)}, \ldots, a^{(m)} - y^{(m)})",
        function=logistic.propagate,
        sample=samples.logistic,
        evaluate=only(by_hand.logistic_regression, "dZ"),
        forward=forwards.logistic_regression,
        gradients=("dZ",),
        per_example=("dZ",),
        misprint=Misprint(
            printed=r"dZ = (a^{(1)} - y^{(1)}, z^{(2)} - y^{(2)}, \ldots, z^{(m)} - y^{(m)})",
            wrong="Z where A belongs",
            slips=(Slip(_Z_after_the_first, "wrong number"),),
        ),
    ),
    Formula(
        id="X4",
        title="dw is a sum over the examples",
        notes=("000",),
        latex=r"dw = \frac{1}{m} \sum_i x^{(i)} dz^{(i)}",
        function=logistic.propagate,
        sample=samples.logistic,
        evaluate=only(by_hand.logistic_regression, "dw"),
        forward=forwards.logistic_regression,
        gradients=("dw",),
        misprint=Misprint(
            printed=r"dw = \frac{1}{m} (x^{(1)} dz^{(1)} \ \ldots \ x^{(m)} dz^{(m)})",
            wrong="the sum over examples is missing",
            slips=(Slip(_row_of_products, "wrong shape"),),
        ),
    ),
    Formula(
        id="X5",
        title="The linear part, w a column",
        notes=("000",),
        latex=r"Z = \mathrm{np.dot}(w^T, X) + b",
        function=logistic.forward,
        sample=samples.logistic,
        evaluate=only(by_hand.logistic_regression, "Z"),
        forward=forwards.logistic_regression,
        misprint=Misprint(
            printed=r"z = \mathrm{np.dot}(w, x) + b, \quad w: (n_x, 1)",
            wrong="a transpose",
            slips=(Slip(lambda w, b, X, Y: {"Z": np.dot(w, X) + b}, "raises ValueError"),),
        ),
    ),
    Formula(
        id="X12",
        title="The linear part, x a row",
        notes=("002",),
        latex=r"z = \mathrm{dot}(x, w) + b, \quad x: (1, n),\ w: (n, 1)",
        function=logistic.forward_one,
        sample=samples.one_example,
        evaluate=_row_times_column,
        forward=forwards.logistic_one,
        misprint=Misprint(
            printed=r"\mathrm{dot}(w, x), \quad x: (1, n),\ w: (n, 1)",
            wrong="gives (n, n)",
            slips=(Slip(_column_times_row, "wrong shape"),),
        ),
    ),
    Formula(
        id="X13",
        title="The step, and the height it loses",
        notes=("002",),
        latex=r"\Delta w = \alpha \frac{dJ}{dw}, \quad \Delta J \approx -\alpha \left(\frac{dJ}{dw}\right)^2",
        function=logistic.update,
        sample=_with_rate,
        evaluate=_steps,
        forward=_along_the_slope,
        gradients=("dt",),
        derived=_rate_times_gradient,
        misprint=Misprint(
            printed=r"\alpha = \Delta J",
            wrong="the learning rate is not the height difference",
            slips=(Slip(_height_as_rate, "wrong number"),),
        ),
    ),
    Formula(
        id="X24",
        title="The least cost is the greatest likelihood",
        notes=("000",),
        latex=r"\min \mathcal{L} \Leftrightarrow \max \log p(y \mid x)",
        function=costs.likelihood,
        sample=samples.predictions,
        evaluate=lambda a, y: {"log p": np.log(costs.likelihood(a, y))},
        forward=_loss,
        misprint=Misprint(printed=r"\max \log(y \mid x)", wrong="p lost"),
    ),
    Formula(
        id="X25",
        title="The index of an example; X is (n_x, m)",
        notes=("000",),
        latex=r"J \ {+}{=} \ -\left[y^{(i)} \log a^{(i)} + (1 - y^{(i)}) \log(1 - a^{(i)})\right]",
        function=logistic.propagate_loop,
        sample=samples.logistic,
        evaluate=lambda **given: {"J": logistic.propagate_loop(**given)[1]},
        forward=forwards.logistic_regression,
        misprint=Misprint(
            printed=r"\log a^i; \quad X: n^x \times m",
            wrong="an index read as a power",
            slips=(Slip(_index_as_power, "wrong number"),),
        ),
    ),
    Formula(
        id="X28",
        title="One convention for x: a column, or a row",
        notes=("002",),
        latex=r"z = w^T x + b, \ x: (n, 1) \quad \mathrm{or} \quad z = \mathrm{dot}(x, w) + b, \ x: (1, n)",
        function=logistic.forward_one,
        sample=samples.one_example,
        evaluate=only(by_hand.logistic_one, "z"),
        others=(_row_times_column,),
        forward=forwards.logistic_one,
        misprint=Misprint(
            printed=r"z = w^T x + b, \quad x: (1, n)",
            wrong="two conventions in one text",
            slips=(Slip(_transposed_beside_a_row, "raises ValueError"),),
        ),
    ),
    Formula(
        id="X29",
        title="The logarithm is the natural one",
        notes=("002",),
        latex=r"\log(t) = \log_e t = \ln t",
        function=costs.cross_entropy,
        sample=samples.predictions,
        evaluate=lambda a, y: {"L": costs.cross_entropy(a, y)},
        forward=_loss,
        misprint=Misprint(
            printed=r"\log(t) = \log_a t = \ln t",
            wrong="the base",
            slips=(_logarithm_to(2), _logarithm_to(10)),
        ),
    ),
    Formula(
        id="X30",
        title="The derivative of the cost",
        notes=("002",),
        latex=r"dw = \frac{dJ}{dw}",
        function=logistic.propagate,
        sample=samples.logistic,
        evaluate=only(by_hand.logistic_regression, "dw"),
        forward=forwards.logistic_regression,
        gradients=("dw",),
        misprint=Misprint(printed=r"dw = \frac{dV}{dw}", wrong="a letter"),
    ),
    Formula(
        id="X31",
        title="All examples share one w and b",
        notes=("002",),
        latex=r"J = \frac{1}{m} \sum_i \mathcal{L}^{(i)}(w, b)",
        function=logistic.mean_of_examples,
        sample=samples.logistic,
        evaluate=logistic.mean_of_examples,
        forward=forwards.logistic_regression,
        gradients=("dw", "db"),
        misprint=Misprint(
            printed=r"J = \frac{1}{m} \sum_i \mathcal{L}^{(i)}(w^{(i)}, b^{(i)})",
            wrong="one w and b for each example",
            slips=(Slip(_w_of_each_example, "wrong shape"),),
        ),
    ),
    Formula(
        id="X32",
        title="The last row of X",
        notes=("002",),
        latex=r"x_{n1}, \ldots, x_{ni}, \ldots, x_{nm}",
        function=logistic.forward,
        sample=lambda rng, n: {"examples": rng.standard_normal((n.m, n.n0))},
        evaluate=_columns,
        forward=lambda examples: {"X": examples.T},
        misprint=Misprint(
            printed=r"x_{n1}, \ldots, x_{4i}, \ldots, x_{nm}",
            wrong="an index",
            slips=(Slip(_one_feature_for_the_last, "wrong number"),),
        ),
    ),
    Formula(
        id="X33",
        title="dJ/dw = 0 is not linear in w",
        notes=("002",),
        latex=r"\frac{dJ}{dw} = \frac{1}{m} X (\sigma(w^T X + b) - Y)^T",
        function=logistic.propagate,
        sample=samples.logistic,
        evaluate=lambda w, b, X, Y: {"dw": X @ (sigmoid(w.T @ X + b) - Y).T / X.shape[1]},
        forward=forwards.logistic_regression,
        gradients=("dw",),
        misprint=Misprint(
            printed=r"\frac{dJ}{dw} = 0: \ 12288\ \mathrm{linear\ equations}",
            wrong="the equations are not linear in w: the reason given does not apply",
            slips=(Slip(_if_it_were_linear, "wrong number"),),
        ),
    ),
]
