"""Pictures of graphs. See README.md in this folder."""

from tinygrad_edu.draw.drawing import Picture, draw
from tinygrad_edu.draw.render import RenderError

__all__ = ["Picture", "RenderError", "draw"]
