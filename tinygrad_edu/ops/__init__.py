"""The formula sheets: every operation, defined once. Importing this fills the table of operations."""

from tinygrad_edu.ops import (
    constants,
    contraction,
    costs,
    diagonals,
    einsum,
    elementwise,
    elementwise_angles,
    elementwise_choice,
    elementwise_exponential,
    elementwise_questions,
    elementwise_steps,
    indexing,
    movement,
    networks,
    reduction,
)

__all__ = [
    "constants",
    "contraction",
    "costs",
    "diagonals",
    "einsum",
    "elementwise",
    "elementwise_angles",
    "elementwise_choice",
    "elementwise_exponential",
    "elementwise_questions",
    "elementwise_steps",
    "indexing",
    "movement",
    "networks",
    "reduction",
]
