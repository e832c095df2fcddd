"""What the caller's code says of a computation. See README.md in this folder."""

from tinygrad_edu.graph.code.reader import Said, said_by_the_caller

__all__ = ["Said", "said_by_the_caller"]
