"""Settings that a function does not take: NumPy's and other libraries', and what to write instead."""

from __future__ import annotations


def not_a_setting(function: str, setting: str, with_value: str, advice: str, known: str) -> str:
    """An argument that a function does not take: what to write instead, and what it takes."""
    advice = f"{advice}; " if advice else ""
    return f"{function}: {setting!r} is not supported{with_value}; {advice}its settings are: {known}"


SETTINGS_REFUSED = {
    "out": "a Tensor is never written into, so take the result: y = f(x)",
    "where": "the entries left out would have no value, so write np.where(mask, f(x), other)",
    "casting": "operands are promoted as NumPy promotes them, so cast them with t.astype(dtype)",
    "dtype": "cast the operand or the result with t.astype(dtype)",
    "order": "entries are numbers without fields, and layouts in memory are not kept, so leave it out",
    "copy": "a Tensor is never written into, so leave it out",
    "signature": "operands are promoted as NumPy promotes them, so cast them with t.astype(dtype)",
}
"""What to write instead of settings of NumPy's that no function here takes."""

SETTINGS_ELSEWHERE = {
    "dim": ("axis", "axes"),
    "dims": ("axes", "axis"),
    "keepdim": ("keepdims",),
    "unbiased": ("ddof",),
    "bias": ("ddof",),
    "size": ("shape",),
    "input": ("x",),
    "p": ("ord", "keep_prob"),
    "lower": ("UPLO",),
    "newshape": ("shape",),
}
"""Other libraries' names for settings, and what they are called here."""
