"""The arguments that several commands share: an expression, and the values of its variables."""

from __future__ import annotations

import argparse
from pathlib import Path

from tinygrad_edu.cli.expression import FUNCTIONS, evaluated, variables
from tinygrad_edu.core.tensor import Tensor


def add_expression(parser: argparse.ArgumentParser) -> None:
    """Adds an expression and its values to a command's arguments."""
    parser.add_argument("expression", help="such as '3*(a+b*c)', or in steps: 'u=b*c; v=a+u; J=3*v'")
    parser.add_argument(
        "values", nargs="*", metavar="name=value", help="such as a=5, x=[1,2,3], W=[[1,2],[3,4]]"
    )
    parser.epilog = "Functions: " + ", ".join(FUNCTIONS) + "."


def add_output(parser: argparse.ArgumentParser, told: str, default: str | None = None) -> None:
    """Adds ``-o``, the file that a command writes."""
    path = None if default is None else Path(default)
    parser.add_argument("-o", "--output", type=Path, default=path, metavar="FILE", help=told)


def expression_of(options: argparse.Namespace) -> tuple[Tensor, dict[str, Tensor]]:
    """The value of a command's expression, and its variables by name."""
    given = variables(options.values)
    return evaluated(options.expression, given), given
