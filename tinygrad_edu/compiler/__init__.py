"""A function of parameters and data as a step that is recorded once and then only run. See README.md."""

from tinygrad_edu.compiler.step import CompiledStep, compile  # noqa: A004  (the field's name for it)

__all__ = ["CompiledStep", "compile"]
