"""``tinygrad-edu export``: a trained model as an ONNX file, for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.cli.arguments import add_output
from tinygrad_edu.cli.modelfile import check_place, read_model
from tinygrad_edu.cli.output import say, say_json
from tinygrad_edu.data.recipe import Numbers, Recipe
from tinygrad_edu.export import onnx
from tinygrad_edu.nn.models import Sequential


def add(commands: Any) -> None:
    """Adds the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "export",
        help="write a trained model as ONNX, for other programs",
        description=(
            "Writes the network of a model file as ONNX. Of a model that 'tinygrad-edu train' wrote the file "
            "scales the rows of X, computes the network, and brings numbers back to their own unit. It does "
            "not read a table: to fill missing values and to turn text into rows of 0 and 1 is left to the "
            "program that runs it, and the command lists the rows of X in order. Needs the extra 'onnx'."
        ),
    )
    parser.add_argument("model", type=Path, help="the model file")
    add_output(parser, "the ONNX file (model.onnx)", "model.onnx")
    parser.add_argument("--json", action="store_true", help="what the file takes and gives as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Reads, writes, and tells what is in the file and what is not."""
    check_place(options.output, (".onnx",))
    model, recipe = read_model(options.model)
    if model.n_x is None:
        raise ValueError(
            f"{options.model}: this model takes X of another layout than (n_x, m), and the file does not say "
            "of which size; in Python: tg.export.onnx(tg.load(path), X, 'model.onnx')"
        )
    dtype = next(iter(model.parameters().values())).dtype
    onnx(_answering(model, recipe), np.zeros((model.n_x, 2), dtype), options.output)
    rows, output = _rows(recipe, model.n_x), _output(model, recipe)
    if options.json:
        say_json({"file": str(options.output), "dtype": str(dtype), "rows": rows, "output": output})
        return 0
    say(f"wrote {options.output}: X ({model.n_x}, m) of {dtype}, one example a column")
    if recipe is None:
        say("in the file: the network alone; bring X to the scale that it was trained with")
    else:
        back = "" if recipe.target.classes else ", the answer's way back to its own unit"
        say(f"in the file: the scaling of X, the network{back}")
        say("not in the file: filling in missing values; turning text into rows of 0 and 1")
        say("the rows of X, before scaling:")
        for k, row in enumerate(rows):
            say(f"  {k}  {row}")
    say(f"the output: {output}")
    return 0


def _answering(model: Sequential, recipe: Recipe | None) -> Any:
    """The function that the file computes."""
    if recipe is None:
        return model
    mean, deviation = recipe.scaling.mean, recipe.scaling.deviation
    target = recipe.target

    def answer(X: Any) -> Any:
        A = model((X - mean) / deviation)
        return A if target.classes else A * target.deviation + target.mean

    return answer


def _rows(recipe: Recipe | None, n_x: int) -> list[str]:
    if recipe is None:
        return [f"feature {k}" for k in range(n_x)]
    found = []
    for feature in recipe.features:
        if isinstance(feature, Numbers):
            found.append(f"{feature.name}: a number; where it is missing, {feature.median!r}")
        else:
            found += [f"{feature.name}: 1 where it is {value!r}, else 0" for value in feature.values]
            found += [f"{feature.name}: 1 where it is another text or missing, else 0"] * feature.other
    return found


def _output(model: Sequential, recipe: Recipe | None) -> str:
    classes = recipe.target.classes if recipe is not None else ()
    if recipe is not None and not classes:
        return f"(1, m), {recipe.target.name} in its own unit"
    if len(classes) == 2:
        return f"(1, m), the probability of {classes[1]!r}; otherwise it is {classes[0]!r}"
    if classes:
        return f"({len(classes)}, m), the probabilities of {', '.join(map(repr, classes))}"
    return f"({model.n_out}, m), A of the last layer, {model.output or 'without a named activation'}"
