"""Writes gallery.md and its pictures: every kind of graph, in both directions, with the line that drew it.

``python docs/make_gallery.py`` from anywhere; ``tests/draw/test_gallery.py`` holds the page to the run.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import textwrap
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import tinygrad_edu as tg

PAGE = Path(__file__).with_name("gallery.md")
FOLDER = PAGE.parent / "pictures"
rng = np.random.default_rng(1)


class Drawn(NamedTuple):
    """A picture of the page."""

    file: str
    line: str
    """That drew it."""
    title: str
    """What a reader hears who can't see it."""
    image: bytes
    text: str
    """What is printed, where the line prints it."""


def the_example_of_the_course() -> dict[str, Any]:
    """Values, local derivatives and gradients; with `backward=True` what comes back along each arrow."""
    a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    u = b * c
    v = a + u
    J = 3 * v
    return locals()


def logistic_regression_on_one_example() -> dict[str, Any]:
    """What has no name is written into the formula that uses it; `detail="all"` draws each operation."""
    w1, w2, b = tg.Tensor(0.4), tg.Tensor(-0.7), tg.Tensor(0.1)
    x1, x2 = tg.Tensor(1.5, requires_grad=False), tg.Tensor(-2.0, requires_grad=False)
    y = tg.Tensor(1.0, requires_grad=False)
    z = w1 * x1 + w2 * x2 + b
    a = tg.sigmoid(z)
    L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return locals()


def matrices_with_their_entries() -> dict[str, Any]:
    """Up to 4 by 4 numbers are written out. What was added to each example is summed on the way back."""
    W, b = tg.Tensor([[1.0, -2.0], [0.5, 1.0]]), tg.Tensor([[0.1], [-0.1]])
    X = tg.Tensor([[1.0, 2.0, -1.0], [0.5, -1.0, 3.0]], requires_grad=False)
    Z = W @ X + b
    A = tg.relu(Z)
    J = np.mean(A**2)
    return locals()


def a_network_of_two_layers() -> dict[str, Any]:
    """A model alone is drawn as its units; with data, as its computation; in layers, as blocks and caches."""
    X = rng.normal(size=(2, 5))
    Y = np.array([[0, 1, 1, 0, 1]])
    model = tg.nn.MLP([2, 4, 1], activation="tanh", seed=1)
    return locals()


def a_deep_network() -> dict[str, Any]:
    """Equal layers are drawn once, with how often; columns of more than eight units are shortened."""
    X, Y = rng.normal(size=(12, 30)), np.eye(3)[:, rng.integers(0, 3, 30)]
    model = tg.nn.MLP([12, 9, 9, 9, 9, 9, 9, 3], output="softmax", seed=1)
    return locals()


def a_recurrent_network() -> dict[str, Any]:
    """Steps that are equal are drawn once, with what they carry; `detail="quantities"` draws each of them."""
    Wx, Wh, b, v = (tg.Tensor(0.5 * rng.normal(size=s)) for s in ((3, 2), (3, 3), (3, 1), (1, 3)))
    h = tg.Tensor(np.zeros((3, 1)), requires_grad=False, name="h0")
    for t in range(1, 11):
        x = tg.Tensor(rng.normal(size=(2, 1)), requires_grad=False, name=f"x{t}")
        with tg.scope(f"step {t}"):
            h = np.tanh(Wx @ x + Wh @ h + b)
            h.name = f"h{t}"
    J = np.sum((v @ h - 1) ** 2)
    return locals()


def attention() -> dict[str, Any]:
    """Every row looks at every row."""
    X, T = (tg.Tensor(rng.normal(size=s), requires_grad=False) for s in ((5, 4), (5, 3)))
    WQ, WK, WV = (tg.Tensor(rng.normal(size=(4, 3))) for _ in range(3))
    Q, K, V = X @ WQ, X @ WK, X @ WV
    S = Q @ K.T / np.sqrt(3)
    P = tg.softmax(S, axis=1)
    O = P @ V
    J = np.mean((O - T) ** 2)
    return locals()


def a_convolution() -> dict[str, Any]:
    """Images of 8 by 8 pixels, filters, pooling, and a layer of units."""
    X, Y = rng.normal(size=(6, 8, 8, 1)), np.eye(3)[:, [0, 1, 2, 2, 1, 0]]
    F, b1 = tg.Tensor(rng.normal(size=(3, 3, 1, 4))), tg.Tensor(np.zeros(4))
    W2, b2 = tg.Tensor(0.2 * rng.normal(size=(3, 36))), tg.Tensor(np.zeros((3, 1)))
    A1 = tg.relu(tg.conv2d(X, F) + b1)
    P1 = tg.max_pool2d(A1, 2)
    Z2 = W2 @ P1.reshape(6, 36).T + b2
    J = tg.softmax_cross_entropy(Z2, Y)
    return locals()


def words_as_vectors() -> dict[str, Any]:
    """An embedding: the rows of E that the words name; the other rows get no gradient."""
    E, W, b = (
        tg.Tensor(rng.normal(size=(6, 3))),
        tg.Tensor(rng.normal(size=(2, 3))),
        tg.Tensor(np.zeros((2, 1))),
    )
    words, Y = np.array([0, 3, 3, 1]), np.array([[1.0], [0.0]])
    e = E[words]
    s = np.mean(e, axis=0, keepdims=True).T
    z = W @ s + b
    J = tg.softmax_cross_entropy(z, Y)
    return locals()


def batch_normalisation() -> dict[str, Any]:
    """Paths that part and meet."""
    X = tg.Tensor(rng.normal(size=(3, 6)), requires_grad=False)
    Y = tg.Tensor(rng.normal(size=(2, 6)), requires_grad=False)
    W, V = tg.Tensor(rng.normal(size=(4, 3))), tg.Tensor(rng.normal(size=(2, 4)))
    gamma, beta = tg.Tensor(np.ones((4, 1))), tg.Tensor(np.zeros((4, 1)))
    Z = W @ X
    mu = np.mean(Z, axis=1, keepdims=True)
    var = np.mean((Z - mu) ** 2, axis=1, keepdims=True)
    Zn = (Z - mu) / np.sqrt(var + 1e-5)
    A = tg.relu(gamma * Zn + beta)
    J = np.mean((V @ A - Y) ** 2)
    return locals()


def one_weight_for_two_examples() -> dict[str, Any]:
    """A weight that is shared is one box, also among the layers, and its gradients add up."""
    W, b = tg.Tensor(rng.normal(size=(3, 4))), tg.Tensor(np.zeros((3, 1)))
    p = tg.Tensor(rng.normal(size=(4, 1)), requires_grad=False)
    q = tg.Tensor(rng.normal(size=(4, 1)), requires_grad=False)
    with tg.scope("left"):
        f = np.tanh(W @ p + b)
    with tg.scope("right"):
        h = np.tanh(W @ q + b)
    with tg.scope("distance"):
        J = np.sum((f - h) ** 2)
    return locals()


def an_image_and_its_weights() -> dict[str, Any]:
    """An image is shown as an image; other large arrays by shape, range and colours."""
    red, green = np.meshgrid(np.linspace(0, 1, 24), np.linspace(0, 1, 24))
    image = tg.Tensor(np.stack([red, green, 1 - red], axis=-1), requires_grad=False)
    W, b = tg.Tensor(0.05 * rng.normal(size=(24, 24, 3))), tg.Tensor(0.0)
    z = np.sum(W * image) + b
    a = tg.sigmoid(z)
    J = (a - 1) ** 2
    return locals()


def thousands_of_operations() -> dict[str, Any]:
    """A large graph is summarised by default, and the picture says so."""
    x = tg.Tensor(0.5)
    value = x
    for _ in range(1000):
        value = np.sin(value * 1.01) + x
    J = value * value
    return locals()


def costs_of_several_runs() -> dict[str, Any]:
    """The same network with four learning rates: the first is too small, the last too large."""
    X = np.array([[1.0, -1.0, 1.0, -1.0], [1.0, -1.0, -1.0, 1.0]])
    Y = np.array([[1, 1, 0, 0]])
    histories = {}
    for alpha in (0.01, 0.1, 1.0, 10.0):
        model = tg.nn.MLP([2, 4, 1], activation="tanh", seed=1)
        histories[f"α = {alpha}"] = tg.nn.fit(model, X, Y, optimizer=tg.optim.SGD(lr=alpha), epochs=60)
    return locals()


def the_boundary_that_a_model_draws() -> dict[str, Any]:
    """What a model of two inputs predicts; and its cost, also on the examples that it was not trained on."""
    X = rng.normal(size=(2, 200))
    Y = (X[:1] * X[1:] > 0) * 1
    model = tg.nn.MLP([2, 8, 1], activation="tanh", seed=1)
    adam = tg.optim.Adam(lr=0.05)
    history = tg.nn.fit(model, X, Y, optimizer=adam, epochs=60, batch_size=40, validation=0.2, seed=1)
    return locals()


def gradient_descent_on_a_surface() -> dict[str, Any]:
    """A line through points has a cost J(w, b): the way down, from above and from the side."""
    x = np.linspace(-1, 2, 20)
    y = 1.5 * x + 0.5 + 0.2 * rng.normal(size=20)
    steps = [(-1.0, -1.0)]
    for _ in range(25):
        w, b = (tg.Tensor(value) for value in steps[-1])
        dw, db = tg.grad(np.mean((w * x + b - y) ** 2), [w, b])
        steps.append((w.item() - 0.2 * dw, b.item() - 0.2 * db))
    return locals()


def steps_and_tangents() -> dict[str, Any]:
    """One weight in the valley J = (w - 2)². A large step jumps to the other side, and still arrives."""
    steps = [0.0]
    for _ in range(3):
        steps.append(steps[-1] - 0.8 * 2 * (steps[-1] - 2))
    return locals()


def weights_as_images() -> dict[str, Any]:
    """What each unit of the first layer looks for. The images are bars, upright or lying, in noise."""
    upright = rng.integers(2, size=300)
    places = rng.integers(8, size=300)
    images = 0.3 * rng.normal(size=(300, 8, 8))
    for image, up, place in zip(images, upright, places, strict=True):
        (image.T if up else image)[place] += 1
    X, Y = images.reshape(300, 64).T, upright[np.newaxis]
    model = tg.nn.MLP([64, 8, 1], activation="tanh", seed=1)
    history = tg.nn.fit(model, X, Y, optimizer=tg.optim.Adam(lr=0.02), epochs=150)
    W1 = model.parameters()["W1"]
    return locals()


def activations_and_their_slopes() -> dict[str, Any]:
    """Each function g above, its derivative g' below."""
    return locals()


def gradients_that_vanish() -> dict[str, Any]:
    """With a sigmoid in each of six layers, the first layers get the smallest gradients."""
    X = rng.normal(size=(2, 100))
    Y = (X[:1] > X[1:]) * 1
    model = tg.nn.MLP([2, 6, 6, 6, 6, 6, 1], activation="sigmoid", init="xavier", seed=1)
    weights = {name: value for name, value in model.parameters().items() if name[0] == "W"}
    gradients = []
    for _ in range(60):
        found = tg.grad(model.loss(X, Y), list(weights.values()))
        gradients.append(dict(zip(weights, found, strict=True)))
        tg.nn.fit(model, X, Y, optimizer=tg.optim.SGD(lr=1.0), epochs=1)
    return locals()


BOTH = ["tg.draw(J)", "tg.draw(J, backward=True)"]
"""Forward, and with the way back."""

KINDS: dict[Callable[[], dict[str, Any]], list[str]] = {
    the_example_of_the_course: [
        *BOTH,
        'tg.draw(J, backward=True, theme="dark")',
        'tg.draw(J, backward=True, theme="print")',
        'tg.draw(J, direction="TB")',
        'tg.draw(J, fit="column")',
        'tg.draw(J, "-")',
    ],
    logistic_regression_on_one_example: [
        "tg.draw(L)",
        "tg.draw(L, backward=True)",
        'tg.draw(L, detail="all")',
        'tg.draw(L, detail="all", backward=True)',
    ],
    matrices_with_their_entries: BOTH,
    a_network_of_two_layers: [
        "tg.draw(model)",
        "tg.draw(model, split=True)",
        "tg.draw(model, X, Y)",
        "tg.draw(model, X, Y, backward=True)",
        'tg.draw(model, X, Y, backward=True, convention="course")',
        'tg.draw(model, X, Y, detail="layers")',
        'tg.draw(model, X, Y, detail="layers", backward=True)',
    ],
    a_deep_network: [
        "tg.draw(model)",
        "tg.draw(model, X, Y)",
        "tg.draw(model, X, Y, backward=True)",
        'tg.draw(model, X, Y, detail="layers", backward=True)',
    ],
    a_recurrent_network: [
        *BOTH,
        'tg.draw(J, detail="layers")',
        'tg.draw(J, detail="layers", backward=True)',
        'tg.draw(J, detail="quantities", fit="16:9")',
        'tg.draw(J, detail="quantities", fit="4:3")',
        'tg.draw(J, detail="quantities", fit="A4")',
    ],
    attention: BOTH,
    a_convolution: BOTH,
    words_as_vectors: BOTH,
    batch_normalisation: BOTH,
    one_weight_for_two_examples: [*BOTH, 'tg.draw(J, detail="layers", backward=True)'],
    an_image_and_its_weights: BOTH,
    thousands_of_operations: BOTH,
    costs_of_several_runs: ["tg.nn.plots.costs(histories)"],
    the_boundary_that_a_model_draws: ["tg.nn.plots.decision_boundary(model, X, Y)", "history.plot()"],
    gradient_descent_on_a_surface: ["tg.nn.plots.descent(lambda w, b: np.mean((w * x + b - y) ** 2), steps)"],
    steps_and_tangents: ["tg.nn.plots.tangents(lambda w: (w - 2) ** 2, steps)"],
    weights_as_images: ["tg.nn.plots.weights(W1, (8, 8))"],
    activations_and_their_slopes: ["tg.nn.plots.activations()"],
    gradients_that_vanish: ["tg.nn.plots.gradient_norms(gradients)"],
}


def drawn(kind: Callable[[], dict[str, Any]], lines: list[str]) -> Iterator[Drawn]:
    """The pictures of a computation, drawn by those lines."""
    global rng  # noqa: PLW0603  (the code on the page uses it)
    rng = np.random.default_rng(1)
    with warnings.catch_warnings(action="ignore"):  # a learning rate that is too large is one of the pictures
        names = kind()
    for number, line in enumerate(lines, 1):
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            picture = eval(line, {"tg": tg, "np": np, **names}, names)  # noqa: S307  (the lines above)
        file = f"gallery-{kind.__name__.replace('_', '-')}-{number}"
        if hasattr(picture, "savefig"):  # matplotlib's
            picture.savefig(image := io.BytesIO(), dpi=100)
            yield Drawn(f"{file}.png", line, titled(kind), image.getvalue(), "")
        else:
            yield Drawn(f"{file}.svg", line, picture.sketch.title, picture.svg.encode(), printed.getvalue())


def titled(kind: Callable[[], dict[str, Any]]) -> str:
    """What stands above its pictures."""
    return kind.__name__.replace("_", " ").capitalize()


def code(kind: Callable[[], dict[str, Any]]) -> str:
    """The lines of a computation, as a reader would write them."""
    body = inspect.getsource(kind).split('"""', 2)[2]
    return textwrap.dedent(body).strip().removesuffix("return locals()").rstrip()


def gallery() -> tuple[str, dict[str, bytes]]:
    """The page, and the pictures by file."""
    pictures: dict[str, bytes] = {}
    text = [
        "# Pictures",
        "",
        "Written by `python docs/make_gallery.py` from a run; do not edit. Each picture stands under the",
        "line that drew it; `rng` is `np.random.default_rng(1)`. With a file it is written, too:",
        '`tg.draw(J, "J.png")`, as .svg, .png, .pdf, .dot or .txt; `tg.draw(J, "-")` prints it. Blue boxes',
        "are parameters, grey ones data, white ones are computed, the yellow one is the output; red is all",
        "about gradients. From *Costs of several runs* on the pictures are of training. They need the extra",
        '`plot`, and are saved by an argument, too: `tg.nn.plots.activations(path="g.png")`.',
    ]
    for kind, lines in KINDS.items():
        text += ["", f"## {titled(kind)}", "", inspect.getdoc(kind) or ""]
        text += ["", "```python", lines_of, "```"] if (lines_of := code(kind)) else []
        for picture in drawn(kind, lines):
            text += ["", f"`{picture.line}`", ""]
            if picture.text:
                text += ["```text", picture.text.rstrip(), "```"]
                continue
            pictures[picture.file] = picture.image
            text += [f"![{picture.title}](pictures/{picture.file})"]
    return "\n".join(text) + "\n", pictures


def main() -> None:
    """Writes the page and its pictures."""
    text, pictures = gallery()
    PAGE.write_text(text, encoding="utf-8")
    for old in FOLDER.glob("gallery-*"):
        old.unlink()
    for file, image in pictures.items():
        (FOLDER / file).write_bytes(image)


if __name__ == "__main__":
    main()
