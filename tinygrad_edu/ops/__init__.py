"""The formula sheets: every operation, defined once. Importing this fills the table of operations."""

from tinygrad_edu.ops import constants, contraction, costs, elementwise, indexing, movement, networks, reduction

__all__ = ["constants", "contraction", "costs", "elementwise", "indexing", "movement", "networks", "reduction"]
