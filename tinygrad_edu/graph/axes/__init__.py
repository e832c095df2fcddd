"""The axes of a recorded computation, by name: which holds the examples, and which are one.

See README.md of the room; ``../../core/axes.py`` has what operations say of their axes.
"""

from tinygrad_edu.graph.axes.axes import Average, Axes, Axis, Examples

__all__ = ["Average", "Axes", "Axis", "Examples"]
