"""``tinygrad-edu``: the subcommands, and how errors are told."""

from __future__ import annotations

import argparse
import io
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, Never

from tinygrad_edu.cli import (
    checking,
    demo,
    deriving,
    drawing,
    exporting,
    grading,
    predicting,
    stepping,
    training,
)
from tinygrad_edu.core.version import __version__
from tinygrad_edu.drawing import RenderError
from tinygrad_edu.errors import did_you_mean

_TOLD = (ValueError, TypeError, KeyError, IndexError, RuntimeError, OSError, ImportError, RenderError)

_MINUS = re.compile(r"-(?!o).*[(*+/@\[]")
"""An expression that starts with a minus: argparse takes it for an option, unless a space comes first."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command line: 0 where it worked, 1 where it found something wrong, 2 where it could not run.

    An error is one line on the error stream.

    >>> main(["draw", "a*b", "a=2", "b=3", "-o", "J.svg"])
    J = 6
    dJ/da = 3
    dJ/db = 2
    wrote J.svg
    0
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ✓ shows ? instead of failing
    given = sys.argv[1:] if argv is None else argv
    options = _parser().parse_args([f" {a}" if _MINUS.match(a) else a for a in given])
    try:
        return int(options.run(options))
    except BrokenPipeError:  # the reader of the output closed it, as '| head' does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except _TOLD as error:
        told = error.args[0] if isinstance(error, KeyError) and error.args else error
        sys.stderr.write(f"tinygrad-edu {options.command}: error: {' '.join(str(told).split())}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write(f"\ntinygrad-edu {options.command}: interrupted\n")
        return 130


class _Parser(argparse.ArgumentParser):
    """Errors name the command, and the nearest option or choice."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, left = super().parse_known_args(args, namespace)
        if left:
            kind = "option" if left[0].startswith("-") else "argument"
            near = did_you_mean(left[0], self._option_string_actions)
            self.error(f"there is no {kind} {left[0]}{near or f'; see {self.prog} --help'}")
        return found, left

    def error(self, message: str) -> Never:
        chosen = re.search(r"invalid choice: '(.*)' \(choose from (.*)\)", message)
        near = did_you_mean(chosen[1], re.findall(r"[\w-]+", chosen[2])) if chosen else ""
        super().error(message + near)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="tinygrad-edu",
        description="An autograd engine that shows its work.",
        epilog="'tinygrad-edu COMMAND --help' tells more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"tinygrad-edu {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND", required=True)
    for command in (demo, drawing, stepping, deriving, checking, grading, training, predicting, exporting):
        command.add(commands)
    return parser
