"""The command line: ``tinygrad-edu demo``, ``tinygrad-edu draw``. See README.md in this folder."""

from tinygrad_edu.cli.entry_point import main

__all__ = ["main"]
