"""``tinygrad-edu draw``: an expression as a picture of its graph, with gradients."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.cli.arguments import add_expression, add_output, expression_of
from tinygrad_edu.cli.output import say
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.drawing import draw
from tinygrad_edu.page.step_through import step_through


def add(commands: Any) -> None:
    """Adds the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "draw",
        help="draw an expression with its values and gradients",
        description="Draws an expression as a graph: values, gradients, a local derivative on every arrow.",
    )
    add_expression(parser)
    add_output(parser, ".svg, .png, .pdf or .dot; or .html, a page that walks through it (J.svg)", "J.svg")
    parser.add_argument("--backward", action="store_true", help="draw the backward pass, too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluates, differentiates and draws."""
    J, given = expression_of(options)
    differentiate(J)
    names = given | {str(J.name): J}
    if options.output.suffix.lower() in (".html", ".htm"):
        step_through(J, options.output, names=names)
    else:
        draw(J, options.output, backward=options.backward, names=names)
    tell(J, given)
    say(f"wrote {options.output}")
    return 0


def differentiate(J: Tensor) -> None:
    """The gradients, where J is a number."""
    if J.size == 1:
        with np.errstate(all="ignore"):
            J.backward()


def tell(J: Tensor, given: Mapping[str, Tensor]) -> None:
    """Prints the value of an expression, and its gradients."""
    say(f"{J.name} = {written(J.data)}")
    for name, tensor in given.items():
        if tensor.grad is not None:
            say(f"d{J.name}/d{name} = {written(tensor.grad)}")
    if J.size != 1:
        say(f"no gradients: they start from a number, and {J.name} has shape {J.shape}; take its sum, say")


def written(value: Any) -> str:
    """An array as a line of text: six digits, a number without brackets.

    >>> written(np.array(2.5)), written(np.array([1.0, 2.0]))
    ('2.5', '[1, 2]')
    """
    array = np.asarray(value.data if isinstance(value, Tensor) else value)
    if array.ndim == 0:
        return f"{float(array):.6g}"
    text = np.array2string(
        array, separator=", ", threshold=20, formatter={"float_kind": lambda x: f"{x:.6g}"}
    )
    return " ".join(text.split())
