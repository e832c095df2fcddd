"""What the caller's code tells about a computation. See README.md in this folder."""

from tinygrad_edu.graph.code.reader import Said, said_by_the_caller
from tinygrad_edu.graph.code.recorded import made_of_others, sign_of_another

__all__ = ["Said", "made_of_others", "said_by_the_caller", "sign_of_another"]
