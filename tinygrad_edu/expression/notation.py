"""Names as a textbook prints them: W1 as W with [1] above it, alpha as its Greek letter, dZ2 as d and Z."""

from __future__ import annotations

import re

from tinygrad_edu.core.table import OPS

_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu"),
    *("nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
    *("Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi", "Omega"),
)
_NUMBERED = re.compile(r"(?P<stem>.*?[^\d_])_?(?P<number>\d+)")
_PARTED = re.compile(r"(?P<stem>[^_]+)_(?P<rest>.+)")
_ESCAPED = str.maketrans(
    {c: f"\\{c}" for c in "#$%&_{}"} | {"\\": r"\backslash{}", "~": r"\sim{}", "^": r"\hat{}"}
)


_RAISED = re.compile(r"(?P<stem>.+?)(?P<raised>[⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾]+)")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁽⁾", "0123456789()")


def letter(name: str, ndim: int = 0) -> str:
    r"""The name as LaTeX. The number of a matrix is that of its layer, and stands in square brackets above.

    That of an example, ``z⁽¹⁾``, stands above in round ones.

    >>> letter("W1", 2), letter("x1"), letter("lambd"), letter("b_out", 2), letter("log_x")
    ('W^{[1]}', 'x_{1}', '\\lambda', 'b_{\\mathrm{out}}', '\\mathrm{log\\_x}')
    >>> letter("z⁽¹⁾"), letter("Z1⁽²⁾", 2)
    ('z^{(1)}', 'Z^{[1](2)}')
    """
    raised = _RAISED.fullmatch(name)
    if raised:
        base, example = letter(raised["stem"], ndim), raised["raised"].translate(_LOWERED)
        return f"{base[:-1]}{example}}}" if "^" in base else f"{base}^{{{example}}}"
    numbered = _NUMBERED.fullmatch(name)
    if numbered:
        stem, number = numbered["stem"], numbered["number"]
        base = _plain(stem)
        layered = ndim == 2 and len(stem) == 1
        return f"{base}^{{[{number}]}}" if layered else f"{base}_{{{number}}}"
    parted = _PARTED.fullmatch(name)
    if parted and parted["stem"] not in OPS:  # log_sigma is no logarithm to the base of sigma
        return f"{_plain(parted['stem'])}_{{{_plain(parted['rest'])}}}"
    return _plain(name)


def _plain(name: str) -> str:
    if name in ("lambd", "lambda_", "lam"):
        return r"\lambda"
    if name in _GREEK:
        return f"\\{name}"
    return name if len(name) == 1 and name.isalpha() else rf"\mathrm{{{name.translate(_ESCAPED)}}}"
