"""``tinygrad-edu predict``: a trained model's answers to the rows of a csv file."""

from __future__ import annotations

import argparse
import csv
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.cli.arguments import add_output
from tinygrad_edu.cli.modelfile import check_place, read_recipe
from tinygrad_edu.cli.output import say, say_json
from tinygrad_edu.cli.scoring import in_words, scored
from tinygrad_edu.data.recipe import Recipe
from tinygrad_edu.data.table import Table, read_table


def add(commands: Any) -> None:
    """Adds the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "predict",
        help="answer the rows of a csv file with a trained model",
        description=(
            "Answers the rows of a csv file with a model that 'tinygrad-edu train' wrote. Columns are found "
            "by their names, in any order. One that the model does not read is ignored, and that is said; "
            "one that it reads and the file lacks is an error. Missing values are filled as in training. "
            "Where the target is in the file, too, the answers are compared with it."
        ),
        epilog="Notes and comparisons are written to the error stream, the table to the standard output.",
    )
    parser.add_argument("model", type=Path, help="the model file")
    parser.add_argument("data", type=Path, help="the csv file")
    add_output(parser, "write the rows with the answers there, as csv, instead of here")
    told = "the answers, probabilities, notes and metrics as JSON"
    parser.add_argument("--json", action="store_true", help=told)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Reads, answers, writes and compares."""
    if options.output is not None:
        check_place(options.output, ())
        for given in (options.data, options.model):
            if options.output.exists() and given.exists() and options.output.samefile(given):
                raise ValueError(f"{options.output} is read here; give -o another name")
    model, recipe = read_recipe(options.model)
    table = read_table(options.data)
    notes = recipe.said_of(table)
    A = model.predict_proba(recipe.X(table))
    predicted = model.decided(A) if recipe.target.classes else A
    metrics = _compared(recipe, table, predicted, notes)
    answers, shares = recipe.target.answers(predicted), _probabilities(recipe, A)
    if options.output is not None:
        options.output.write_text(_csv(recipe, table, answers, shares), "utf-8")
    if options.json:
        say_json({
            "target": recipe.target.name,
            "answers": answers,
            "probabilities": {name: values.tolist() for name, values in shares.items()},
            "notes": notes,
            "metrics": metrics,
        })  # fmt: skip
        return 0
    told = [f"note: {note}" for note in notes]
    told += [] if metrics is None else [f"compared with {recipe.target.name!r} in {table.path}: {line}"
                                        for line in in_words(recipe.target, metrics)]  # fmt: skip
    sys.stderr.write("".join(f"{line}\n" for line in told))
    if options.output is None:
        say(_csv(recipe, table, answers, shares).rstrip("\n"))
    else:
        say(f"wrote {options.output}: {len(table)} rows")
    return 0


def _compared(recipe: Recipe, table: Table, predicted: Any, notes: list[str]) -> dict[str, Any] | None:
    """The metrics, where the table has the target in some rows."""
    target = recipe.target
    if target.name not in table.columns:
        return None
    there = np.flatnonzero(~table.missing(target.name))
    try:
        Y = target.Y(table.rows(there.tolist())) if there.size else None
    except ValueError as error:
        notes.append(f"not compared with the target: {error}")
        return None
    return None if Y is None else scored(target, Y, predicted[:, there])


def _probabilities(recipe: Recipe, A: Any) -> dict[str, Any]:
    classes = recipe.target.classes
    if not classes:
        return {}
    A = np.vstack([1 - A, A]) if len(classes) == 2 else A
    return dict(zip(classes, A, strict=True))


def _csv(recipe: Recipe, table: Table, answers: list[Any], shares: dict[str, Any]) -> str:
    """The columns of the table, the answer, and the probability of each class."""
    name = recipe.target.name
    found: dict[str, Any] = {f"predicted {name}": answers}
    found |= {f"P({name}={c})": [f"{p:.6g}" for p in values] for c, values in shares.items()}
    columns = {**{n: v for n, v in table.columns.items() if n not in found}, **found}
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=";" if table.comma else ",", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return stream.getvalue()
