"""``tinygrad-edu derive``: the derivation of an expression's gradients, as it stands in a textbook."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from tinygrad_edu.cli.arguments import add_expression, add_output, expression_of
from tinygrad_edu.cli.output import say
from tinygrad_edu.derivation import Derivation, derive
from tinygrad_edu.errors import folder_for

_FORMS: dict[str, Callable[[Derivation], str]] = {
    "text": str,
    "latex": Derivation.latex,
    "markdown": Derivation.markdown,
    "numpy": Derivation.numpy_source,
}


def add(commands: Any) -> None:
    """Adds the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "derive",
        help="derive the gradients of an expression, formula by formula",
        description="Derives the gradients of an expression: one named quantity a line, simplified.",
    )
    add_expression(parser)
    parser.add_argument("--wrt", nargs="+", metavar="NAME", help="only the gradients of these")
    parser.add_argument(
        "--form", choices=_FORMS, default="text", help="text, latex, markdown, or numpy source (text)"
    )
    parser.add_argument("--entries", action="store_true", help="the formula of each entry as well")
    add_output(parser, "write there instead of here")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Evaluates and derives."""
    if options.output is not None:
        folder_for(options.output)
    J, given = expression_of(options)
    names = given | {str(J.name): J}
    text = _FORMS[options.form](derive(J, options.wrt or list(given), names=names, entries=options.entries))
    if options.output is None:
        say(text.rstrip("\n"))
    else:
        options.output.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
        say(f"wrote {options.output}")
    return 0
