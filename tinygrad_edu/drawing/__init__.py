"""Pictures of graphs. See README.md in this folder."""

from tinygrad_edu.drawing.drawing import Picture, draw
from tinygrad_edu.drawing.graphviz import RenderError
from tinygrad_edu.drawing.notebook import html_of
from tinygrad_edu.errors import answers

__all__ = ["Picture", "RenderError", "draw", "html_of"]

answers(__name__, "tg.drawing", 'tg.draw(J, "J.svg")')
