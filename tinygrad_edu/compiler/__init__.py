"""A function of parameters and data as a step that is recorded once and then only run. See README.md."""

from tinygrad_edu.compiler.step import CompiledStep, compile  # noqa: A004  (the field's name for it)
from tinygrad_edu.compiler.threads import get_num_threads, set_num_threads
from tinygrad_edu.errors import answers

__all__ = ["CompiledStep", "compile", "get_num_threads", "set_num_threads"]

answers(__name__, "tg.compiler", "tg.compile(loss)")
