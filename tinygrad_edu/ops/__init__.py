"""Every operation, each defined once. Importing this fills the table of operations."""

from tinygrad_edu.ops.along_axis import cumulative, differences, filters, polynomials, sorting
from tinygrad_edu.ops.elementwise import arithmetic, exponential, logic, rounding, selection, trigonometric
from tinygrad_edu.ops.indexing import diagonals, gather_scatter
from tinygrad_edu.ops.linalg import decompositions, determinants, einsum, inverses, norms, products, spectra
from tinygrad_edu.ops.movement import joining, shapes, tiling
from tinygrad_edu.ops.networks import activations, convolution, costs, dropout, embeddings, pooling, windows
from tinygrad_edu.ops.numpy_coverage import alternative_names, non_differentiable, unsupported
from tinygrad_edu.ops.reduction import (
    moments,
    nan_functions,
    quantiles,
    searching_and_counting,
    sums_and_extrema,
)

__all__ = [
    "activations", "alternative_names", "arithmetic", "convolution", "costs", "cumulative", "decompositions",
    "determinants", "diagonals", "differences", "dropout", "einsum", "embeddings", "exponential", "filters",
    "gather_scatter", "inverses", "joining", "logic", "moments", "nan_functions", "non_differentiable",
    "norms", "polynomials", "pooling", "products", "quantiles", "rounding", "searching_and_counting",
    "selection", "shapes", "sorting", "spectra", "sums_and_extrema", "tiling", "trigonometric", "unsupported",
    "windows",
]  # fmt: skip
