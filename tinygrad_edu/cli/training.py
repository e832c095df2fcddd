"""``tinygrad-edu train``: a network learnt from a csv file, with a report and a model file."""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import data
from tinygrad_edu.cli.arguments import add_output
from tinygrad_edu.cli.modelfile import check_place, write_model
from tinygrad_edu.cli.output import say, say_json
from tinygrad_edu.cli.scoring import confusion_table, in_words, scored
from tinygrad_edu.data.layout import Examples
from tinygrad_edu.data.recipe import Recipe
from tinygrad_edu.data.table import Table, read_table
from tinygrad_edu.data.target import Target
from tinygrad_edu.errors import require_extra
from tinygrad_edu.nn import MLP, History, fit
from tinygrad_edu.nn.optim import SGD, Adam, AdamW, Momentum, Nesterov, Optimizer, RMSProp
from tinygrad_edu.nn.saving import SUFFIXES

OPTIMIZERS: dict[str, tuple[type[Optimizer], float]] = {
    "adam": (Adam, 0.01),
    "adamw": (AdamW, 0.01),
    "rmsprop": (RMSProp, 0.001),
    "momentum": (Momentum, 0.05),
    "nesterov": (Nesterov, 0.05),
    "sgd": (SGD, 0.1),
}
"""By the name that --optimizer takes, with the learning rate where --lr gives none."""
TASKS = {"classes": "classes", "classification": "classes", "numbers": "numbers", "regression": "numbers"}
PICTURES = (".png", ".svg", ".pdf")

_DATA = """
The file's first line names the columns. Columns are separated by commas, semicolons or tabs.

  numbers    one row of X each, brought to mean 0 and deviation 1; a missing value
             becomes the median of the training examples, and the report says so
  text       a row of X for each of the 20 most frequent values, the rest is "other",
             and so is a missing value; a column of ever new texts is left out
  constant   left out
  missing    nothing, NA, N/A, NaN, None, null or ?
  target     two values: sigmoid; several classes: softmax; numbers: linear. Numbers
             0, 1, 2, ... or 1, 2, 3, ... up to 20 of them count as classes, unless
             --task numbers is given. Rows without a target are left out.

The model file holds the network and what it takes to read new rows, as data and never as code.

  tinygrad-edu train houses.csv --target price --hidden 20,7 --epochs 200 -o m.safetensors
  tinygrad-edu predict m.safetensors new_houses.csv -o answers.csv
"""


def add(commands: Any) -> None:
    """Adds the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train",
        help="train a network on a csv file",
        description="Trains a network on the rows of a csv file, and judges it by rows that were kept back.",
        epilog=_DATA,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, help="the csv file")
    parser.add_argument("--target", required=True, metavar="NAME", help="the column to learn")
    add_output(parser, "the model file, .safetensors or .npz (model.safetensors)", "model.safetensors")
    parser.add_argument("--task", choices=TASKS, help="what the target is (judged by its values)")
    parser.add_argument("--without", action="append", default=[], metavar="NAME",
                        help="a column to leave out; may be given several times")  # fmt: skip
    network = parser.add_argument_group("the network")
    network.add_argument("--hidden", type=_sizes, default=(), metavar="20,7",
                         help="units of the hidden layers (none: logistic or linear regression)")  # fmt: skip
    network.add_argument("--activation", choices=["relu", "tanh", "sigmoid", "leaky_relu"], default="relu",
                         help="of the hidden layers (relu)")  # fmt: skip
    network.add_argument("--l2", type=float, default=0.0, help="lambda of L2 regularisation (0)")
    training = parser.add_argument_group("the training")
    training.add_argument("--epochs", type=int, default=200, help="times through the examples (200)")
    training.add_argument("--optimizer", choices=OPTIMIZERS, default="adam", help="(adam)")
    rates = ", ".join(f"{name} {rate:g}" for name, (_, rate) in OPTIMIZERS.items())
    training.add_argument("--lr", type=float, help=f"the learning rate ({rates})")
    training.add_argument("--batch-size", type=int, default=64, metavar="N",
                          help="examples an update; 0 takes all of them (64)")  # fmt: skip
    training.add_argument("--test", type=float, default=0.2, metavar="SHARE",
                          help="the share of the rows to keep for the test; 0 keeps none (0.2)")  # fmt: skip
    training.add_argument("--seed", type=int, default=0,
                          help="decides the first weights, the test rows and the order (0)")  # fmt: skip
    report = parser.add_argument_group("the report")
    report.add_argument("--plot", type=Path, metavar="FILE",
                        help="a picture of the cost, .png, .svg or .pdf; needs the extra 'plot'")  # fmt: skip
    report.add_argument("--json", action="store_true", help="the report as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Reads, trains, judges, writes and tells."""
    _check(options)
    prepared = _prepared(options)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        trained = _trained(options, prepared)
    prepared.notes.extend(dict.fromkeys(str(w.message).removeprefix("fit: ") for w in caught))
    report = _report(options, prepared, trained)
    write_model(trained.model, prepared.recipe, options.output)
    if options.plot is not None:
        trained.history.plot(options.plot, title=f"{options.data.name}: {trained.model}")
    if options.json:
        say_json(report)
    else:
        _tell(report, prepared.recipe.target)
    return 0


class _Prepared(NamedTuple):
    """The examples, and how they were made."""

    table: Table
    recipe: Recipe
    train: Examples
    test: Examples
    notes: list[str]


class _Trained(NamedTuple):
    """The network, and what its training did."""

    model: MLP
    optimizer: Optimizer
    history: History
    first: float
    last: float


def _check(options: argparse.Namespace) -> None:
    """Raises ValueError for settings out of range, before anything is read."""
    check_place(options.output, SUFFIXES)
    if options.plot is not None:
        check_place(options.plot, PICTURES)
        require_extra("matplotlib.figure", extra="plot")
    for name, least in (("epochs", 1), ("batch_size", 0), ("seed", 0)):
        if getattr(options, name) < least:
            told = f"--{name.replace('_', '-')}"
            raise ValueError(f"{told}: expected a whole number from {least} on, got {getattr(options, name)}")
    if options.lr is not None and not 0 < options.lr < np.inf:
        raise ValueError(f"--lr: expected a number above 0, got {options.lr:g}")
    if not 0 <= options.l2 < np.inf:
        raise ValueError(f"--l2: expected a number from 0 on, got {options.l2:g}")
    if not 0 <= options.test < 1:
        raise ValueError(f"--test: expected a share from 0 to below 1, such as 0.2, got {options.test:g}")


def _prepared(options: argparse.Namespace) -> _Prepared:
    """The table as examples in two parts; what is learnt of the columns is learnt from the training part."""
    table = read_table(options.data)
    table.check_has(options.target)
    gaps = table.missing(options.target)
    notes = []
    if gaps.all():
        raise ValueError(f"{table.path}, column {options.target!r}: no row has a value")
    if gaps.any():
        notes.append(f"{int(gaps.sum())} of {len(table)} rows have no {options.target!r} and are left out")
        table = table.rows(np.flatnonzero(~gaps).tolist())
    target = Target.of(table, options.target, TASKS.get(options.task))
    places, labels = np.arange(len(table))[None], target.Y(table)
    parts = data.split(places, labels, test=options.test, seed=options.seed, stratify=bool(target.classes))
    train, test = (table.rows(part.X[0].tolist()) for part in (parts.train, parts.test))
    target = target.scaled(train)
    recipe, said = Recipe.of(train, target, options.without, among=table)
    learnt, kept = (Examples(recipe.X(part), target.Y(part)) for part in (train, test))
    if target.classes and not options.task and not table.first_that_is_none(target.name) and target.units > 1:
        said.append(f"{target.name}: whole numbers, taken for classes; --task numbers takes them as numbers")
    return _Prepared(table, recipe, learnt, kept, notes + said)


def _trained(options: argparse.Namespace, prepared: _Prepared) -> _Trained:
    recipe, train = prepared.recipe, prepared.train
    model = MLP(
        [len(recipe.rows), *options.hidden, recipe.target.units],
        activation=options.activation,
        output=recipe.target.output,
        seed=options.seed,
        l2=options.l2,
    )
    kind, rate = OPTIMIZERS[options.optimizer]
    optimizer = kind(lr=options.lr if options.lr is not None else rate)
    first = float(model.evaluate(*train)["cost"])
    size = options.batch_size or None
    history = fit(
        model, *train, optimizer=optimizer, epochs=options.epochs, batch_size=size, seed=options.seed
    )
    finite = all(np.isfinite(p.data).all() for p in model.parameters().values())
    last = float(model.evaluate(*train)["cost"]) if finite else np.nan
    if not np.isfinite(last):
        raise RuntimeError(
            f"the cost is no finite number any more after {history.epochs} epochs, so no model was written; "
            f"try a smaller learning rate than {optimizer.lr:g}: --lr {optimizer.lr / 10:g}"
        )
    return _Trained(model, optimizer, history, first, last)


def _report(options: argparse.Namespace, prepared: _Prepared, trained: _Trained) -> dict[str, Any]:
    table, recipe, train, test, notes = prepared
    target, model = recipe.target, trained.model
    judged = {
        part: scored(target, Y, model.predict(X)) if X.shape[1] else None
        for part, (X, Y) in (("train", train), ("test", test))
    }
    with np.errstate(all="ignore"):
        cost_of_test = float(model.evaluate(*test)["cost"]) if judged["test"] else None
    files = {"model": str(options.output)} | ({"plot": str(options.plot)} if options.plot else {})
    return {
        "data": table.path,
        "rows": len(table),
        "target": target.name,
        "task": "classes" if target.classes else "numbers",
        "classes": _counted(target, table),
        "columns": [feature.name for feature in recipe.features],
        "features": list(recipe.rows),
        "notes": notes,
        "model": str(repr(model)),
        "parameters": int(sum(p.size for p in model.parameters().values())),
        "optimizer": repr(trained.optimizer),
        "epochs": trained.history.epochs,
        "batch_size": min(options.batch_size or train.X.shape[1], train.X.shape[1]),
        "seed": options.seed,
        "cost": {"first": trained.first, "last": trained.last, "test": cost_of_test},
        **judged,
        "files": files,
    }


def _counted(target: Target, table: Table) -> dict[str, int]:
    """How many examples each class has."""
    if not target.classes:
        return {}
    Y = target.Y(table)
    counts = Counter((Y[0] if target.units == 1 else np.argmax(Y, axis=0)).astype(int).tolist())
    return {name: counts[k] for k, name in enumerate(target.classes)}


def _tell(report: dict[str, Any], target: Target) -> None:
    classes = report["classes"]
    say(f"{report['data']}: {_many(report['rows'], 'row')}, to learn {target.name!r}")
    if classes:
        say(f"  {len(classes)} classes: " + ", ".join(f"{c} ({_many(n, 'row')})" for c, n in classes.items()))
    else:
        say(f"  numbers; mean {target.mean:.4g} and deviation {target.deviation:.4g}, scaled to 0 and 1")
    columns, rows = _many(len(report["columns"]), "column"), _many(len(report["features"]), "row")
    say(f"  from {columns}, X has {rows}: {_some(report['features'])}")
    for note in report["notes"]:
        say(f"  note: {note}")
    say(f"{report['model']}, {_many(report['parameters'], 'parameter')}")
    tested = report["test"]["examples"] if report["test"] else "none"
    optimizer = report["optimizer"].partition(",")[0].rstrip(")")
    say(
        f"  {report['epochs']} times through {report['train']['examples']} examples in batches of "
        f"{report['batch_size']}, {optimizer}); {tested} kept for the test"
    )
    cost = report["cost"]
    tested = "" if cost["test"] is None else f"; {cost['test']:.4g} on the test examples"
    say(f"  cost {cost['first']:.4g} at first, {cost['last']:.4g} at last{tested}")
    for part, told in (("train", "training"), ("test", "test")):
        if report[part]:
            for line in in_words(target, report[part]):
                say(f"  on the {told} examples: {line}")
    last = report["test"] or report["train"]
    if 2 <= len(classes) <= 10:
        say(f"  the {'test' if report['test'] else 'training'} examples by class:")
        for line in confusion_table(target.classes, last["confusion"]):
            say(f"    {line}")
    for file in report["files"].values():
        say(f"wrote {file}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")


def _many(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _sizes(text: str) -> tuple[int, ...]:
    """``20,7`` as (20, 7); nothing, or 0, as no hidden layer."""
    if text.strip() in ("", "0"):
        return ()
    try:
        sizes = tuple(int(part) for part in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError(
            f"expected the units of each hidden layer, such as 20,7, got {text!r}"
        )
    return sizes
