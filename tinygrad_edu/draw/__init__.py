"""Pictures of graphs. See README.md in this folder."""

from tinygrad_edu.draw.drawing import Picture, draw
from tinygrad_edu.draw.graphviz import RenderError
from tinygrad_edu.draw.shown import html_of

__all__ = ["Picture", "RenderError", "draw", "html_of"]
