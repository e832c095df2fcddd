"""Writes derivations.md: what ``tg.derive`` makes of the course's networks, beside the formulas of the notes.

``python docs/make_derivations.py`` from anywhere; ``tests/derive/test_page.py`` holds the page to the run.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.derivation import Derivation, DerivationStep
from tinygrad_edu.expression.latex_style import aligned

PAGE = Path(__file__).with_name("derivations.md")
SHAPES = 10
TOLERANCE = 1e-12

Sizes = tuple[int, ...]
Quantities = dict[str, tg.Tensor]


class Noted(NamedTuple):
    """A gradient as the notes have it."""

    row: str
    """The row of the catalogue, ``course.formulas``."""
    gradient: str
    formula: str
    """As NumPy writes it."""
    latex: str


class Model(NamedTuple):
    """One of the course's networks: how it is written, and what the notes derive by hand."""

    title: str
    compute: Callable[..., Quantities]
    given: Callable[[np.random.Generator, Sizes], dict[str, tg.Tensor]]
    noted: tuple[Noted, ...]
    wrt: tuple[str, ...]
    cost: str = "J"


# The networks, as a student of the course would write them


def example_graph(a: tg.Tensor, b: tg.Tensor, c: tg.Tensor) -> Quantities:
    """J = 3(a + bc)."""
    u = b * c
    v = a + u
    J = 3 * v
    return {"u": u, "v": v, "J": J}


def logistic_regression(w: tg.Tensor, b: tg.Tensor, X: tg.Tensor, Y: tg.Tensor) -> Quantities:
    """One unit."""
    m = X.shape[1]
    Z = w.T @ X + b
    A = tg.sigmoid(Z)
    J = -1 / m * np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    return {"Z": Z, "A": A, "J": J}


def two_layers(
    W1: tg.Tensor, b1: tg.Tensor, W2: tg.Tensor, b2: tg.Tensor, X: tg.Tensor, Y: tg.Tensor
) -> Quantities:
    """A hidden layer of tanh units."""
    m = X.shape[1]
    Z1 = W1 @ X + b1
    A1 = np.tanh(Z1)
    Z2 = W2 @ A1 + b2
    A2 = tg.sigmoid(Z2)
    J = -1 / m * np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
    return {"Z1": Z1, "A1": A1, "Z2": Z2, "A2": A2, "J": J}


def deep(X: tg.Tensor, Y: tg.Tensor, **parameters: tg.Tensor) -> Quantities:
    """Layers of ReLU, and a sigmoid at the end."""
    values, A, L = {}, X, len(parameters) // 2
    for l in range(1, L + 1):
        Z = parameters[f"W{l}"] @ A + parameters[f"b{l}"]
        A = tg.relu(Z) if l < L else tg.sigmoid(Z)
        values |= {f"Z{l}": Z, f"A{l}": A}
    values["J"] = tg.binary_cross_entropy(A, Y)
    return values


def classes(W: tg.Tensor, b: tg.Tensor, X: tg.Tensor, Y: tg.Tensor) -> Quantities:
    """C classes: a softmax down each column."""
    m = X.shape[1]
    Z = W @ X + b
    A = tg.softmax(Z, axis=0)
    J = -1 / m * np.sum(Y * np.log(A))
    return {"Z": Z, "A": A, "J": J}


def curvature(w: tg.Tensor, b: tg.Tensor, X: tg.Tensor, Y: tg.Tensor, v: tg.Tensor) -> Quantities:
    """The Hessian of logistic regression, times v: the gradient of the product of the gradient with v."""
    Z = w.T @ X + b
    A = tg.sigmoid(Z)
    J = tg.binary_cross_entropy(A, Y)
    (dw,) = tg.grad(J, [w], create_graph=True)
    s = np.sum(dw * v)
    return {"Z": Z, "A": A, "dw": dw, "s": s}


# What they are given


def _parameter(rng: np.random.Generator, *shape: int) -> tg.Tensor:
    return tg.Tensor(0.5 * rng.normal(size=shape))


def _data(rng: np.random.Generator, n0: int, m: int) -> dict[str, tg.Tensor]:
    labels = (rng.random((1, m)) < 0.5) * 1.0
    return {
        "X": tg.Tensor(rng.normal(size=(n0, m)), requires_grad=False),
        "Y": tg.Tensor(labels, requires_grad=False),
    }


def _scalars(rng: np.random.Generator, sizes: Sizes) -> dict[str, tg.Tensor]:  # noqa: ARG001  (scalars have none)
    return {name: tg.Tensor(rng.uniform(1, 6)) for name in "abc"}


def _one_unit(rng: np.random.Generator, sizes: Sizes) -> dict[str, tg.Tensor]:
    n0, *_, m = sizes
    return {"w": _parameter(rng, n0, 1), "b": tg.Tensor(0.1), **_data(rng, n0, m)}


def _one_unit_and_direction(rng: np.random.Generator, sizes: Sizes) -> dict[str, tg.Tensor]:
    v = tg.Tensor(rng.normal(size=(sizes[0], 1)), requires_grad=False)
    return {**_one_unit(rng, sizes), "v": v}


def _layers(*hidden: int) -> Callable[[np.random.Generator, Sizes], dict[str, tg.Tensor]]:
    def given(rng: np.random.Generator, sizes: Sizes) -> dict[str, tg.Tensor]:
        widths = [sizes[0], *(sizes[k] for k in hidden), 1]
        parameters = {}
        for l, (before, after) in enumerate(pairwise(widths), start=1):
            parameters |= {f"W{l}": _parameter(rng, after, before), f"b{l}": _parameter(rng, after, 1)}
        return {**parameters, **_data(rng, sizes[0], sizes[-1])}

    return given


def _some_classes(rng: np.random.Generator, sizes: Sizes) -> dict[str, tg.Tensor]:
    n0, C, *_, m = sizes
    one_hot = np.eye(C)[:, rng.integers(0, C, m)]
    return {
        "W": _parameter(rng, C, n0),
        "b": _parameter(rng, C, 1),
        "X": tg.Tensor(rng.normal(size=(n0, m)), requires_grad=False),
        "Y": tg.Tensor(one_hot, requires_grad=False),
    }


# What the notes derive by hand


def _layer(l: int, below: str, *, row: str) -> tuple[Noted, Noted]:
    A = "X" if below == "X" else f"A^{{[{l - 1}]}}"
    return (
        Noted(
            row,
            f"dW{l}",
            f"1 / m * (dZ{l} @ {below}.T)",
            rf"dW^{{[{l}]}} = \frac1m\, dZ^{{[{l}]}} {_turned(A)}",
        ),
        Noted(
            row,
            f"db{l}",
            f"1 / m * np.sum(dZ{l}, axis=1, keepdims=True)",
            rf"db^{{[{l}]}} = \frac1m \sum_{{\mathrm{{columns}}}} dZ^{{[{l}]}}",
        ),
    )


def _turned(A: str) -> str:
    return A[:-1] + r"\top}" if A.endswith("}") else A + r"^\top"


def _through(l: int, slope: str, slope_latex: str, *, row: str) -> Noted:
    """dZ of a hidden layer, from the one above."""
    above = l + 1
    return Noted(
        row,
        f"dZ{l}",
        f"W{above}.T @ dZ{above} * {slope}",
        rf"dZ^{{[{l}]}} = W^{{[{above}]\top}} dZ^{{[{above}]}} * {slope_latex}",
    )


MODELS = (
    Model(
        "The computation graph",
        example_graph,
        _scalars,
        (
            Noted("G1", "dv", "3", "dv = 3"),
            Noted("G1", "da", "dv", "da = dv"),
            Noted("G1", "du", "dv", "du = dv"),
            Noted("G1", "db", "c * du", r"db = c\,du"),
            Noted("G1", "dc", "b * du", r"dc = b\,du"),
        ),
        ("a", "b", "c"),
    ),
    Model(
        "Logistic regression",
        logistic_regression,
        _one_unit,
        (
            Noted("L7", "dA", "-(Y / A) + (1 - Y) / (1 - A)", r"dA = -\frac{Y}{A} + \frac{1-Y}{1-A}"),
            Noted("L9", "dZ", "dA * A * (1 - A)", "dZ = dA * A(1 - A)"),
            Noted("L12", "dZ", "A - Y", "dZ = A - Y"),
            Noted("L12", "dw", "1 / m * (X @ dZ.T)", r"dw = \frac1m X\, dZ^\top"),
            Noted("L12", "db", "1 / m * np.sum(dZ)", r"db = \frac1m \sum dZ"),
        ),
        ("w", "b"),
    ),
    Model(
        "Two layers",
        two_layers,
        _layers(1),
        (
            Noted("S4", "dZ2", "A2 - Y", "dZ^{[2]} = A^{[2]} - Y"),
            *_layer(2, "A1", row="S4"),
            _through(1, "(1 - A1**2)", r"(1 - (A^{[1]})^2)", row="S4, A2"),
            *_layer(1, "X", row="S4"),
        ),
        ("W1", "b1", "W2", "b2"),
    ),
    Model(
        "L layers",
        deep,
        _layers(1, 2),
        (
            Noted(
                "D4",
                "dA3",
                "-(Y / A3) + (1 - Y) / (1 - A3)",
                r"dA^{[3]} = -\frac{Y}{A^{[3]}} + \frac{1-Y}{1-A^{[3]}}",
            ),
            Noted("D4", "dZ3", "A3 - Y", "dZ^{[3]} = A^{[3]} - Y"),
            *_layer(3, "A2", row="D2"),
            Noted("D2", "dA2", "W3.T @ dZ3", r"dA^{[2]} = W^{[3]\top} dZ^{[3]}"),
            _through(2, "(Z2 > 0)", r"[Z^{[2]} > 0]", row="D3, A3"),
            *_layer(2, "A1", row="D2"),
            _through(1, "(Z1 > 0)", r"[Z^{[1]} > 0]", row="D3, A3"),
            *_layer(1, "X", row="D2"),
        ),
        ("W1", "b1", "W2", "b2", "W3", "b3"),
    ),
    Model(
        "C classes",
        classes,
        _some_classes,
        (
            Noted("D6", "dZ", "A - Y", "dZ = A - Y"),
            Noted("D2", "dW", "1 / m * (dZ @ X.T)", r"dW = \frac1m\, dZ\, X^\top"),
            Noted(
                "D2",
                "db",
                "1 / m * np.sum(dZ, axis=1, keepdims=True)",
                r"db = \frac1m \sum_{\mathrm{columns}} dZ",
            ),
        ),
        ("W", "b"),
    ),
    Model(
        "Beyond the notes: the Hessian times a vector", curvature, _one_unit_and_direction, (), ("w",), "s"
    ),
)


# The comparison


def derivation(model: Model, seed: int) -> tuple[Derivation, dict[str, tg.Tensor], tg.Tensor]:
    """The model derived on random values of random sizes, what it was given, and its cost."""
    rng = np.random.default_rng(seed)
    sizes = tuple(int(n) for n in rng.choice(np.arange(5, 14), size=4, replace=False))
    given = model.given(rng, sizes)
    values = model.compute(**given)
    J = values[model.cost]
    return tg.derive(J, model.wrt, names=given | values), given, J


def greatest_difference(
    found: Derivation, model: Model, given: Mapping[str, tg.Tensor], J: tg.Tensor
) -> float:
    """The emitted source, run by itself, against autodiff: the largest error beside the largest entry."""
    space: dict[str, Any] = {}
    exec(found.numpy_source(), space)  # noqa: S102  (the source is ours, and that it runs alone is the point)
    gradients = space["gradients"]
    values = [given[name].detach().data for name in inspect.signature(gradients).parameters]
    results = gradients(*values)
    expected = tg.grad(J, [given[name] for name in model.wrt])
    differences = [
        np.max(np.abs(result - gradient)) / max(1.0, np.max(np.abs(gradient)))
        for result, gradient in zip(results.values(), expected, strict=True)
    ]
    return float(max(differences))


def page() -> str:
    """The whole page."""
    lines = [
        "# The course's networks, derived",
        "",
        "Written by `python docs/make_derivations.py` from a run; do not edit.",
        "",
        "`tg.derive(J, wrt=[...])` walks back from J and gives each gradient that has a name one formula."
        " Below it is shown what it makes of the networks of the notes, beside the (corrected) formulas that"
        " the notes derive by hand; the row numbers are those of [the catalogue](course.md). As in the notes,"
        " dZ and dA hold m times the derivative of J, one column per example, and 1/m enters at dW and db;"
        ' `convention="exact"` gives the derivatives of J throughout.',
        "",
        "**proved** says that SymPy finds the two formulas equal entry by entry, for all values (matrix"
        " products and sums of the same things count as the same). Besides, on"
        f" {SHAPES} random shapes the source that `.numpy_source()` gives was run by itself, and agrees with"
        f" autodiff to {TOLERANCE:g}; but for the sizes in its docstring it was the same source each time.",
    ]
    for model in MODELS:
        lines += section(model)
    return "\n".join(lines) + "\n"


def section(model: Model) -> Iterator[str]:
    """A network, its derivation, the notes beside it, and its source."""
    runs = [derivation(model, seed) for seed in range(SHAPES)]
    found = runs[0][0]
    worst = max(greatest_difference(d, model, given, J) for d, given, J in runs)
    body = {d.numpy_source().partition('"""\n')[2] for d, _, _ in runs}
    if worst > TOLERANCE or len(body) > 1:
        raise AssertionError(
            f"{model.title}: the source differs from autodiff by {worst}, in {len(body)} forms"
        )
    yield from ("", f"## {model.title}", "", "```python", _written(model.compute), "```", "")
    yield from ("Forward:", "", "$$", aligned(step.latex for step in found.forward), "$$", "")
    if model.noted:
        yield from ("Backward, beside the notes:", "")
        yield from table(found, model.noted)
    else:
        yield from ("Backward:", "", "$$", aligned(step.latex for step in found.steps), "$$")
    remarks = [f"- `{step.name}`: {step.note}." for step in found.steps if step.note]
    remarks += [f"- {said}" for said in found.assumptions]
    if remarks:
        yield from ("", *remarks)
    yield from (
        "",
        "<details><summary>As source</summary>",
        "",
        "```python",
        found.numpy_source().rstrip(),
        "```",
    )
    yield from ("", "</details>")


def table(found: Derivation, noted: tuple[Noted, ...]) -> Iterator[str]:
    """Each derived line, with the notes' forms of it, and whether they are proved the same."""
    yield "| derived | the notes | row | |"
    yield "|---|---|---|---|"
    for step in found.steps:
        for k, note in enumerate([n for n in noted if n.gradient == step.name] or [None]):
            yield _row(found, step if k == 0 else None, note)


def _row(found: Derivation, step: DerivationStep | None, note: Noted | None) -> str:
    left = f"${step.latex}$" if step is not None else ""
    if note is None:
        return f"| {left} | | | |"
    if not found.proves(note.gradient, note.formula):
        raise AssertionError(f"not proved: {note.gradient} = {note.formula}")
    return f"| {left} | ${note.latex}$ | {note.row} | proved |"


def _written(compute: Callable[..., Any]) -> str:
    """The lines of a function between its docstring and what it returns."""
    body = textwrap.dedent(inspect.getsource(compute)).partition('"""\n')[2]
    return textwrap.dedent(body).rpartition("\nreturn ")[0]


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
