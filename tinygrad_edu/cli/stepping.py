"""``tinygrad-edu step``: a page that walks through an expression, and computes it anew."""

from __future__ import annotations

import argparse
from typing import Any

from tinygrad_edu.cli.arguments import add_expression, add_output, expression_of
from tinygrad_edu.cli.drawing import differentiate, tell
from tinygrad_edu.cli.modelfile import check_place
from tinygrad_edu.cli.output import say
from tinygrad_edu.page.step_through import step_through


def add(commands: Any) -> None:
    """Adds the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "step",
        help="write a page that walks through an expression, forward and backward",
        description=(
            "Writes one HTML file that steps through the forward and the backward pass of an expression. Its "
            "inputs can be changed there. The page needs no network: open it in a browser. The expression "
            "has to give one number."
        ),
    )
    add_expression(parser)
    add_output(parser, "the page (J.html)", "J.html")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluates, differentiates and writes the page."""
    check_place(options.output, (".html", ".htm"))
    J, given = expression_of(options)
    if J.size != 1:
        raise ValueError(
            f"gradients start from one number, and {J.name} has shape {J.shape}; take its sum, say"
        )
    differentiate(J)
    step_through(J, options.output, names=given | {str(J.name): J})
    tell(J, given)
    say(f"wrote {options.output}")
    return 0
