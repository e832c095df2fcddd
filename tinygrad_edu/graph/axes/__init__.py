"""The axes of a recorded computation: their names, which of them are the same, which holds the examples.

See README.md of the room; ``../../core/axes.py`` has what operations say of their axes.
"""

from tinygrad_edu.graph.axes.axes import Average, Axes, Axis, Examples

__all__ = ["Average", "Axes", "Axis", "Examples"]
