"""Writes gallery.md and its pictures: every kind of graph, in both directions, with the line that drew it.

``python docs/make_gallery.py`` from anywhere; ``tests/draw/test_gallery.py`` holds the page to the run.
"""

from __future__ import annotations

import inspect
import textwrap
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
    svg: str


def the_example_of_the_course() -> dict[str, Any]:
    """Values, local derivatives and gradients; with `backward=True` what comes back along each arrow."""
    a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    u = b * c
    v = a + u
    J = 3 * v
    return locals()


def logistic_regression_on_one_example() -> dict[str, Any]:
    """Operations without a name are written into the formula that uses them."""
    w1, w2, b = tg.Tensor(0.4), tg.Tensor(-0.7), tg.Tensor(0.1)
    x1, x2 = tg.Tensor(1.5, requires_grad=False), tg.Tensor(-2.0, requires_grad=False)
    y = tg.Tensor(1.0, requires_grad=False)
    z = w1 * x1 + w2 * x2 + b
    a = tg.sigmoid(z)
    L = -(y * np.log(a) + (1 - y) * np.log(1 - a))
    return locals()


def a_network_of_two_layers() -> dict[str, Any]:
    """A model is drawn with its cost; alone, as its units; in layers, as blocks and caches."""
    X = rng.normal(size=(2, 5))
    Y = np.array([[0, 1, 1, 0, 1]])
    model = tg.nn.MLP([2, 4, 1], activation="tanh", seed=1)
    return locals()


def softmax_over_three_classes() -> dict[str, Any]:
    """Scopes are frames."""
    X, Y = rng.normal(size=(6, 8)), np.eye(3)[:, rng.integers(0, 3, 8)]
    model = tg.nn.MLP([6, 5, 3], output="softmax", seed=1)
    return locals()


def a_recurrent_network() -> dict[str, Any]:
    """What is used far and wide stands by itself, with a tag at each user."""
    Wx, Wh, b, v = (tg.Tensor(0.5 * rng.normal(size=s)) for s in ((3, 2), (3, 3), (3, 1), (1, 3)))
    h = tg.Tensor(np.zeros((3, 1)), requires_grad=False, name="h0")
    for t in range(1, 7):
        x = tg.Tensor(rng.normal(size=(2, 1)), requires_grad=False, name=f"x{t}")
        with tg.scope(f"step {t}"):
            h = np.tanh(Wx @ x + Wh @ h + b)
            h.name = f"h{t}"
    J = np.sum((v @ h - 1) ** 2)
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
    """A weight that is shared is one box, also among the layers."""
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


def an_image_and_many_numbers() -> dict[str, Any]:
    """Large arrays are told by shape, range and colours; an image is shown as an image."""
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


KINDS: dict[Callable[[], dict[str, Any]], list[str]] = {
    the_example_of_the_course: [
        "tg.draw(J)",
        "tg.draw(J, backward=True)",
        'tg.draw(J, backward=True, theme="dark")',
        'tg.draw(J, backward=True, theme="print")',
    ],
    logistic_regression_on_one_example: ["tg.draw(L)", "tg.draw(L, backward=True)"],
    a_network_of_two_layers: [
        "tg.draw(model)",
        "tg.draw(model, X, Y)",
        "tg.draw(model, X, Y, backward=True)",
        'tg.draw(model, X, Y, backward=True, convention="course")',
        'tg.draw(model, X, Y, detail="layers", backward=True)',
    ],
    softmax_over_three_classes: ["tg.draw(model, X, Y)", "tg.draw(model, X, Y, backward=True)"],
    a_recurrent_network: [
        "tg.draw(J)",
        "tg.draw(J, backward=True)",
        'tg.draw(J, detail="layers")',
        'tg.draw(J, fit="A4")',
    ],
    batch_normalisation: ["tg.draw(J)", "tg.draw(J, backward=True)"],
    one_weight_for_two_examples: [
        "tg.draw(J)",
        "tg.draw(J, backward=True)",
        'tg.draw(J, detail="layers", backward=True)',
    ],
    an_image_and_many_numbers: ["tg.draw(J)", "tg.draw(J, backward=True)"],
    thousands_of_operations: ["tg.draw(J)", "tg.draw(J, backward=True)"],
}


def drawn(kind: Callable[[], dict[str, Any]], lines: list[str]) -> Iterator[Drawn]:
    """The pictures of a computation, drawn by those lines."""
    global rng  # noqa: PLW0603  (the code on the page uses it)
    rng = np.random.default_rng(1)
    names = kind()
    for number, line in enumerate(lines, 1):
        picture = eval(line, {"tg": tg}, names)  # noqa: S307  (the lines above)
        file = f"gallery-{kind.__name__.replace('_', '-')}-{number}.svg"
        yield Drawn(file, line, picture.sketch.title, picture.svg)


def code(kind: Callable[[], dict[str, Any]]) -> str:
    """The lines of a computation, as a reader would write them."""
    body = inspect.getsource(kind).split('"""', 2)[2]
    return textwrap.dedent(body).strip().removesuffix("return locals()").rstrip()


def gallery() -> tuple[str, dict[str, str]]:
    """The page, and the pictures by file."""
    pictures: dict[str, str] = {}
    text = [
        "# Pictures",
        "",
        "Written by `python docs/make_gallery.py` from a run; do not edit. Each picture stands under the",
        "line that drew it; `rng` is `np.random.default_rng(1)`. With a file it is written, too:",
        '`tg.draw(J, "J.png")`, as .svg, .png, .pdf, .dot or .txt; `tg.draw(J, "-")` prints it. Blue boxes',
        "are parameters, grey ones data, white ones are computed, the yellow one is the output; red is all",
        "about gradients.",
    ]
    for kind, lines in KINDS.items():
        title = kind.__name__.replace("_", " ").capitalize()
        text += ["", f"## {title}", "", inspect.getdoc(kind) or "", "", "```python", code(kind), "```"]
        for picture in drawn(kind, lines):
            pictures[picture.file] = picture.svg
            text += ["", f"`{picture.line}`", "", f"![{picture.title}](pictures/{picture.file})"]
    return "\n".join(text) + "\n", pictures


def main() -> None:
    """Writes the page and its pictures."""
    text, pictures = gallery()
    PAGE.write_text(text, encoding="utf-8")
    for old in FOLDER.glob("gallery-*.svg"):
        old.unlink()
    for file, svg in pictures.items():
        (FOLDER / file).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
