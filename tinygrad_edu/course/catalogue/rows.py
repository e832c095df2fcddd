"""Reads ``rows.toml``: each row becomes a :class:`Formula`, its names the functions that they stand for."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any

from tinygrad_edu.course import (
    activations,
    costs,
    features,
    initialisation,
    l_layer,
    logistic,
    two_layer,
    written_out,
)
from tinygrad_edu.course.catalogue import (
    by_hand,
    deep_formulas,
    forwards,
    logistic_formulas,
    network_formulas,
    samples,
)
from tinygrad_edu.course.catalogue.entry import Formula, Misprint, Slip, Values, only

__all__ = ["read"]

_COURSE = (activations, costs, features, initialisation, l_layer, logistic, two_layer, written_out)
_CATALOGUE = (by_hand, deep_formulas, forwards, logistic_formulas, network_formulas, samples)
_MODULES = {module.__name__.rpartition(".")[2]: module for module in (*_COURSE, *_CATALOGUE)}


def read() -> list[Formula]:
    """The formulas of ``rows.toml``, in its order.

    Raises:
        ValueError: a row names a function that there is not.

    >>> [formula.id for formula in read()][:4]
    ['G1', 'G2', 'G3', 'L1']
    """
    text = files("tinygrad_edu.course.catalogue").joinpath("rows.toml").read_text("utf-8")
    return [_formula(**row) for row in tomllib.loads(text)["formula"]]


def _formula(**row: Any) -> Formula:
    return Formula(**{key: _READ.get(key, tuple)(value) for key, value in row.items()})


def _misprint(printed: str, wrong: str, slips: list[dict[str, Any]] | None = None) -> Misprint:
    return Misprint(printed=_line(printed), wrong=wrong, slips=tuple(_slip(**slip) for slip in slips or ()))


def _slip(shows: Any, square: Any = None, given: str | None = None, **function: Any) -> Slip:
    evaluate = _function(function)
    return Slip(_of_values(evaluate, _function(given)) if given else evaluate, shows, square)


def _of_values(evaluate: Callable[..., Values], derive: Callable[..., Values]) -> Callable[..., Values]:
    """``evaluate``, called with one dict: the inputs, and what ``derive`` makes of them."""
    return lambda **given: evaluate({**given, **derive(**given)})


def _function(named: str | dict[str, Any]) -> Callable[..., Any]:
    if isinstance(named, str):
        module, _, name = named.partition(".")
        function: Callable[..., Any] | None = getattr(_MODULES.get(module), name, None)
        if function is None:
            raise ValueError(
                f"rows.toml: expected module.function with a module of {', '.join(_MODULES)}, got {named!r}"
            )
        return function
    settings = {key: value for key, value in named.items() if key not in ("by", "only")}
    function = _function(named["by"])
    function = partial(function, **settings) if settings else function
    return only(function, *named["only"]) if "only" in named else function


def _line(latex: str) -> str:
    """A formula that is broken over lines in the file, as one line."""
    return " ".join(latex.split("\n"))


_READ: dict[str, Callable[[Any], Any]] = {
    "id": str,
    "title": str,
    "latex": _line,
    **dict.fromkeys(("function", "sample", "evaluate", "forward", "derived"), _function),
    "others": lambda functions: tuple(map(_function, functions)),
    "misprint": lambda misprint: _misprint(**misprint),
}
