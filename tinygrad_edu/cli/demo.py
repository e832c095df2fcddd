"""``tinygrad-edu demo``: from a formula on the board to trained, checked and drawn models on real data.

The settings of both trainings were chosen on parts held back from the training examples; the seed is fixed,
and nothing is trained on the test examples.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from textwrap import indent
from typing import Any

from tinygrad_edu import data
from tinygrad_edu.check import Report, compare
from tinygrad_edu.cli.output import say
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.course import l_layer, logistic
from tinygrad_edu.drawing import draw
from tinygrad_edu.nn import MLP, LogisticRegression, Sequential, fit
from tinygrad_edu.nn.optim import SGD, AdamW, CosineDecay, Optimizer

Gradients = dict[str | Tensor, Any]


def add(commands: Any) -> None:
    """Adds the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "demo",
        help="draw, train and check two models on real data",
        description="Draws the course's example, trains two models on real data, and checks their gradients.",
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("demo"), metavar="FOLDER", help="for the pictures (demo)"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """The five steps."""
    folder: Path = options.output
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(f"-o: expected a folder for the pictures, got {folder}: {error.strerror}") from None
    say("1. The course's first graph, J = 3(a + bc) at a = 5, b = 3, c = 2: forward for J, backward for dJ.")
    pictures = _course_example(folder)
    say("\n2. Logistic regression on real data: 569 tumours, 30 measurements each. Benign or malignant?")
    tumours, model = data.breast_cancer(), LogisticRegression(30)
    pictures += _trained(model, tumours, SGD(lr=0.1), 500, None, folder / "breast_cancer_cost.png")
    say("\n3. A network of three layers on real data: 1797 handwritten digits of 8 x 8 pixels, ten classes.")
    digits, network = data.digits(), MLP([64, 128, 64, 10], output="softmax", init="he", seed=1)
    optimizer = AdamW(lr=CosineDecay(0.002, steps=40 * 23))
    pictures += _trained(network, digits, optimizer, 40, 64, folder / "digits_cost.png")
    say("\n4. The gradients derived by hand, as in the course notes, against automatic differentiation.")
    right = _in_one_table(
        {
            "tumours": _checked(model, tumours.train, _of_logistic_regression),
            "digits": _checked(network, digits.train, _of_network),
        }
    )
    say(indent(str(right), "   "))
    say("   And with a misprint of the notes, db summed over the examples and not divided by m:")
    wrong = _checked(network, digits.train, _with_a_mistake)
    say(indent(str(wrong), "   "))
    pictures.append(folder / "logistic_regression.svg")
    draw(model.loss(*tumours.train), pictures[-1])
    pictures.append(folder / "network.svg")
    draw(network.loss(*digits.train), pictures[-1], detail="layers")
    say("\n5. The pictures are here:")
    for picture in pictures:
        say(f"   {picture}")
    return 0 if right.ok and not wrong.ok else 1


def _course_example(folder: Path) -> list[Path]:
    """J = 3(a + bc), drawn with its gradients."""
    a, b, c = Tensor(5.0, name="a"), Tensor(3.0, name="b"), Tensor(2.0, name="c")
    u = b * c
    v = a + u
    J = 3 * v
    J.backward()
    say(f"   J = {J.item():g}; da = {a.grad:g}, db = {b.grad:g}, dc = {c.grad:g}; du = dv = {u.grad:g}")
    pictures = [folder / "J.svg", folder / "J.png"]
    for picture in pictures:
        draw(J, picture, names={"u": u, "v": v, "J": J})
    return pictures


def _trained(
    model: Sequential,
    examples: data.DataSet,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None,
    picture: Path,
) -> list[Path]:
    """Fits the model, tells how well it does, and draws its cost."""
    m, m_test = examples.X_train.shape[1], examples.X_test.shape[1]
    batches = "all at once" if batch_size is None else f"in batches of {batch_size}"
    say(f"   {model}, {optimizer}")
    say(f"   {epochs} times through {m} examples, {batches}; {m_test} are kept for the test.")
    history = fit(
        model, *examples.train, optimizer=optimizer, epochs=epochs, batch_size=batch_size, progress=True
    )
    history.plot(picture, title=str(model))
    say(f"   cost {history.epoch_cost[0]:.4f} at first, {history.epoch_cost[-1]:.4f} at last")
    train, test = (model.accuracy(*part) for part in (examples.train, examples.test))
    say(f"   accuracy {train:.1%} on the training examples, {test:.1%} on the test examples")
    return [picture]


def _of_logistic_regression(model: Sequential, examples: data.Examples) -> Gradients:
    """The notes' gradients."""
    w, b = (p.data for p in model.parameters().values())
    grads, _ = logistic.propagate(w, float(b), *examples)
    _, A = logistic.forward(w, float(b), examples.X)
    return {"dZ": A - examples.Y, "dw": grads["dw"], "db": grads["db"]}


def _of_network(model: Sequential, examples: data.Examples) -> Gradients:
    """The notes' gradients of an L-layer network, from the last layer to the first."""
    parameters = {name: p.data for name, p in model.parameters().items()}
    names = ["relu"] * (len(model) - 1) + [model.output]
    AL, caches = l_layer.L_model_forward(examples.X, parameters, names)
    grads = l_layer.L_model_backward(AL, examples.Y, caches, names)
    return {name: g for name, g in grads.items() if name != "dA0"}  # the data's own gradient is not needed


def _with_a_mistake(model: Sequential, examples: data.Examples) -> Gradients:
    """One of them as it is misprinted in the notes (X6): without the 1/m."""
    grads = _of_network(model, examples)
    return {"db3": examples.X.shape[1] * grads["db3"]}


def _checked(
    model: Sequential, examples: data.Examples, by_hand: Callable[[Sequential, data.Examples], Gradients]
) -> Report:
    """One model's gradients by hand against its own."""
    return compare(model.loss(*examples), by_hand(model, examples))


def _in_one_table(reports: Mapping[str, Report]) -> Report:
    """The lines of several reports, each with the name of what it is about."""
    lines = [
        replace(entry, name=f"{about}: {entry.name}") for about, report in reports.items() for entry in report
    ]
    return Report(tuple(lines), next(iter(reports.values())).convention)
