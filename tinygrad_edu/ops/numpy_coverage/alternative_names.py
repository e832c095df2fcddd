"""The other names that NumPy has for the same function: ``np.abs`` is ``np.absolute``."""

from tinygrad_edu.ops.elementwise.arithmetic import absolute, divide, positive, power, remainder
from tinygrad_edu.ops.elementwise.exponential import arccosh, arcsinh, arctanh
from tinygrad_edu.ops.elementwise.rounding import round, trunc  # noqa: A004
from tinygrad_edu.ops.elementwise.trigonometric import arccos, arcsin, arctan, arctan2, deg2rad, rad2deg
from tinygrad_edu.ops.movement.joining import concatenate, vstack
from tinygrad_edu.ops.movement.shapes import transpose
from tinygrad_edu.ops.reduction.sums_and_extrema import max, min  # noqa: A004

__all__ = [
    "abs", "acos", "acosh", "amax", "amin", "around", "asin", "asinh", "atan", "atan2", "atanh", "concat",
    "conj", "conjugate", "degrees", "fix", "mod", "permute_dims", "pow", "radians", "real", "row_stack",
    "true_divide",
]  # fmt: skip

abs, mod, pow, true_divide = absolute, remainder, power, divide
acos, acosh, asin, asinh, atan, atan2, atanh = arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh
degrees, radians = rad2deg, deg2rad
around, fix = round, trunc
amax, amin = max, min
concat, row_stack = concatenate, vstack
permute_dims = transpose
conj = conjugate = real = positive  # of real numbers, the numbers themselves
