"""Pages that walk through a computation, and compute. See README.md in this folder."""

from tinygrad_edu.errors import answers

answers(__name__, "tg.page", 'tg.step_through(J, "J.html")')
