"""Reads ``rows.toml``: each row becomes a :class:`Formula`, its names the functions that they stand for."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from typing import Any

import numpy as np

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


def _slip(shows: Any, square: Any = None, **function: Any) -> Slip:
    return Slip(_function(function), shows, square)


def _function(named: str | dict[str, Any]) -> Callable[..., Any]:
    """A function by its name; or of a table, as the head of ``rows.toml`` says."""
    if isinstance(named, str):
        module, _, name = named.partition(".")
        function: Callable[..., Any] | None = getattr(_MODULES.get(module), name, None)
        if function is None:
            raise ValueError(
                f"rows.toml: expected module.function with a module of {', '.join(_MODULES)}, got {named!r}"
            )
        return function
    settings = dict(named)
    outputs, given, gives = (settings.pop(key, None) for key in ("only", "given", "gives"))
    function = _expressions(gives) if gives else _function(settings.pop("by"))
    function = partial(function, **settings) if settings else function
    function = _of_values(function, _function(given)) if given else function
    return only(function, *outputs) if outputs else function


def _expressions(gives: dict[str, str]) -> Callable[..., Values]:
    def evaluate(**given: Any) -> Values:
        space = {"np": np, **_MODULES, **given}
        for name, expression in gives.items():
            space[name] = eval(expression, space)  # noqa: S307  (of our own file)
        return {name: space[name] for name in gives}

    return evaluate


def _of_values(evaluate: Callable[..., Values], derive: Callable[..., Values]) -> Callable[..., Values]:
    return lambda **given: evaluate(**{**given, **derive(**given)})


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
