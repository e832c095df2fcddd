"""Pictures of graphs. See README.md in this folder."""

from tinygrad_edu.drawing.drawing import Picture, draw
from tinygrad_edu.drawing.graphviz import RenderError
from tinygrad_edu.drawing.notebook import html_of

__all__ = ["Picture", "RenderError", "draw", "html_of"]
