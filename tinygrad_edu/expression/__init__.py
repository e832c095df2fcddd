"""One expression, one writer, one book of identities. See README.md in this folder."""

from tinygrad_edu.expression import label_style, latex_style, numpy_style  # noqa: F401 (each enters its style)
from tinygrad_edu.expression.node import Node, applied, array, number, quantity
from tinygrad_edu.expression.writer import Text, write

__all__ = ["Node", "Text", "applied", "array", "number", "quantity", "write"]
