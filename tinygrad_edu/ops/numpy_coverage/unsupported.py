"""NumPy functions that are refused on Tensors, each with the reason, and those that take none.

What is listed nowhere is refused, too, by a message that names it (see ``core.protocols``). The lists here
say why, and let a test see to it that nothing of NumPy is left unsaid.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.core.table import REFUSED

REASONS: dict[str, str] = {
    "copyto fill_diagonal place put put_along_axis putmask": (
        "it writes into an array in place, which would leave the recorded graph wrong. Build a new Tensor "
        "instead, with np.where(mask, new, t), np.concatenate or tg.scatter_add."
    ),
    "angle poly real_if_close roots sort_complex linalg.eig linalg.eigvals": (
        "its values may be complex, and this engine differentiates real ones."
    ),
    "fft.fft fft.fft2 fft.fftn fft.fftshift fft.hfft fft.ifft fft.ifft2 fft.ifftn fft.ifftshift fft.ihfft "
    "fft.irfft fft.irfft2 fft.irfftn fft.rfft fft.rfft2 fft.rfftn": (
        "its values are complex, and this engine differentiates real ones. A real transform is a product "
        "with a matrix of cosines and sines."
    ),
    "bincount histogram histogram2d histogram_bin_edges histogramdd": (
        "it counts, and counts do not vary with the entries: their derivative is 0 or does not exist. "
        "Pass it t.detach().data; to add up weights by place, use tg.scatter_add."
    ),
    "intersect1d setdiff1d setxor1d union1d unique unique_all unique_counts unique_inverse unique_values": (
        "which of equal entries it keeps is arbitrary, and so is whose derivative counts. Take the "
        "entries by place: t[np.unique(t.detach().data, return_index=True)[1]]."
    ),
    "apply_along_axis apply_over_axes": (
        "it calls a function that it cannot see into, slice by slice. Use axis= of the function, or "
        "np.stack over a loop."
    ),
    "nextafter spacing": (
        "it is about the gaps between floating-point numbers, which are no function of a real one."
    ),
    "frexp": ("its mantissa jumps; with e = np.frexp(t.detach().data)[1] that is np.ldexp(t, -e)."),
    "i0": ("its derivative is the Bessel function I1, which NumPy does not have. Define it with tg.define."),
    "polyadd polyder polydiv polyint polymul polysub": (
        "it trims and pads lists of coefficients by their values. Use +, -, and np.convolve for the product."
    ),
    "polyfit": ("it fits with options that have no derivative. Use np.linalg.lstsq(np.vander(x, n), y)."),
    "trim_zeros": ("the shape of its result depends on the values. Take a slice: t[first:last]."),
    "geomspace logspace": ("write it with its own formula: np.power(base, np.linspace(start, stop, n))."),
    "bmat": ("it makes a np.matrix. Use np.block."),
    "vectorize frompyfunc": (
        "it calls Python code that it cannot see into. Write the formula with NumPy's functions."
    ),
    "array asanyarray asarray asarray_chkfinite ascontiguousarray asfortranarray asmatrix require": (
        "a plain array would lose the Tensor's history. Use the Tensor as it is, np.stack for several, or "
        "t.detach().data."
    ),
}
"""Why a function is refused on Tensors, by the names of the functions."""

NOT_ABOUT_TENSORS: dict[str, str] = {
    "make arrays of shapes, numbers, text or files": (
        "arange bartlett blackman diag_indices empty eye from_dlpack frombuffer fromfile fromfunction "
        "fromiter fromregex fromstring full genfromtxt hamming hanning identity indices kaiser load "
        "loadtxt mask_indices ones tri tril_indices triu_indices zeros fft.fftfreq fft.rfftfreq"
    ),
    "ask about types, shapes and Python values": (
        "broadcast_shapes isdtype isscalar issubdtype iterable mintypecode promote_types typename"
    ),
    "call another, and warn that the name is old": "row_stack",
    "are about dates": ("busday_count busday_offset datetime_as_string datetime_data is_busday isnat"),
    "write numbers as text": ("base_repr binary_repr format_float_positional format_float_scientific"),
    "set NumPy up, or tell about it": (
        "get_include get_printoptions getbufsize geterr geterrcall info nested_iters printoptions "
        "set_printoptions setbufsize seterr seterrcall show_config show_runtime test fft.test linalg.test"
    ),
}
"""Functions that take no array of floats, by what they do."""


def numpy_function(name: str) -> Any:
    """NumPy's function of that name, ``linalg.eig`` for one of a module; None where this NumPy has none."""
    place: Any = np
    for part in name.split("."):
        place = getattr(place, part, None)
    return place


for _names, _why in REASONS.items():
    REFUSED.update({f: _why for f in map(numpy_function, _names.split()) if f is not None})
