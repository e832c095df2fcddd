"""``tg.define``: an operation of the user's, which works like a built-in one and is checked at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from inspect import signature
from math import inf
from string import Formatter
from types import FunctionType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from tinygrad_edu.autodiff.definition_check import prove
from tinygrad_edu.core.kinds import elementwise, operation
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import NUMPY, OPS, RECORD
from tinygrad_edu.errors import arguments_explained

P = ParamSpec("P")
R = TypeVar("R")

_defined: dict[str, Op] = {}
"""The operations that users defined. They may be defined again, as when a notebook cell is run twice."""


def _with_a_rule(define: Callable[P, R]) -> Callable[P, R]:
    """Says what is missing where ``@tg.define`` is used without arguments."""

    @wraps(define)
    def checked(*args: P.args, **facts: P.kwargs) -> R:
        if args or "pullback" not in facts:
            raise TypeError(
                "define: expected the derivative rule, as in @tg.define(pullback=lambda g, y, x: g * 2 * x); "
                "a function made of NumPy's own needs none: call it on Tensors"
            )
        return define(*args, **facts)

    return checked


@_with_a_rule
@arguments_explained
def define(
    *,
    pullback: Callable[..., Any] | tuple[Callable[..., Any] | None, ...],
    domain: Any = (-2.0, 2.0),
    samples: Sequence[Any] | None = None,
    kind: str | None = None,
    name: str | None = None,
    numpy: Callable[..., Any] | Sequence[Callable[..., Any]] = (),
    latex: str | None = None,
    label: str | None = None,
    opaque: bool = False,
    order: int = 2,
) -> Callable[[Callable[..., Any]], Op]:
    r"""Makes an operation of a NumPy function and its derivative rule: a decorator.

    The function computes the value from arrays; arguments after ``*`` are settings. The rule takes
    ``(g, y, *inputs, **settings)``, with g the derivative of the cost by the value y, and gives the
    derivative by the input; broadcasting is undone for it. It is NumPy too, without writing in place and
    without an ``if`` on a value, since it also runs on Tensors (for higher derivatives) and on names (for
    formulas and compiled steps).

    The definition is checked at once, at sample inputs: the rule against central differences, entry by entry.

    Args:
        pullback: the rule, or a tuple with one for each input; None for an input without gradient.
        domain: the interval in which to draw sample inputs, or one for each; leave out kinks.
        samples: the inputs to check at, for an operation that isn't elementwise: tuples of arrays, with a
            dict of settings at the end where there are any.
        kind: elementwise (without samples), else reduction, movement, contraction, indexing or opaque.
        name: what graphs call it; by default the function's name.
        numpy: the NumPy function or functions that it answers to, as in ``numpy=np.sinc``.
        latex: the value's formula, its inputs in braces, LaTeX's own braces doubled:
            ``r"\operatorname{{sinc}}({x})"``.
        label: what pictures write into the node.
        opaque: formulas name the operation and its rule, instead of writing the rule out.
        order: 1 for a rule that does not run on Tensors: first derivatives only.

    Returns:
        The operation, called like the function.

    Raises:
        ValueError: the rule is wrong (the message says at which entry, what differences give, and what the
            rule gave), it fails, the name or NumPy function is taken, or ``latex`` asks for what is no input.
        TypeError: there is no rule, as in a bare ``@tg.define``, or there are not as many as inputs.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> @tg.define(pullback=lambda g, y, x: 3 * g * x**2)
    ... def cube(x):
    ...     return x * x * x
    >>> t = tg.Tensor(2.0)
    >>> cube(t).backward()
    >>> float(t.grad)
    12.0
    """

    def decorate(forward: Callable[..., Any]) -> Op:
        if not isinstance(forward, FunctionType):
            raise TypeError(f"define: expected a function written in Python, got {type(forward).__name__}")
        own = name or forward.__name__
        for rule in pullback if isinstance(pullback, tuple) else (pullback,):
            if rule is not None and not callable(rule):
                raise TypeError(f"define: pullback: expected a function (g, y, x), got {rule!r}")
        functions = (numpy,) if callable(numpy) else tuple(numpy)
        if latex is not None:
            _check_template(own, latex, forward)
        _make_room(own, functions)
        facts: dict[str, Any] = {
            "name": own, "pullback": pullback, "numpy": functions, "opaque": opaque,
            "latex": latex or _call(own, forward), "label": label,
            "linear": (), "moves": False, "rounding": inf,  # not declared, so not assumed
        }  # fmt: skip
        if samples is None and kind in (None, "elementwise"):
            _check_domain(domain)
            op = elementwise(domain=domain, **facts)(forward)
        else:
            op = operation(kind=kind or "opaque", samples=[_sample(s, own) for s in samples or ()], **facts)(
                forward
            )
        try:
            prove(op, order=order)
        except ValueError:
            _withdraw(op)
            raise
        _defined[own] = op
        return op

    return decorate


def _withdraw(op: Op) -> None:
    """Takes an operation out of the tables. What was recorded with it stays as it is."""
    _defined.pop(op.name, None)
    OPS.pop(op.name, None)
    RECORD.pop(op.name, None)
    for function in [f for f, answer in NUMPY.items() if answer is op]:
        del NUMPY[function]


def _make_room(name: str, functions: Sequence[Callable[..., Any]]) -> None:
    if name in _defined:
        _withdraw(_defined[name])
    if name in RECORD:
        raise ValueError(
            f"define: there already is an operation {name!r}; give yours another name: define(name=...)"
        )
    for function in functions:
        if function in NUMPY:
            raise ValueError(
                f"define: np.{function.__name__} already has a rule: tg.{NUMPY[function].__name__}"
            )


def _check_domain(domain: Any) -> None:
    """Raises unless the domain is an interval, or several.

    Raises:
        ValueError: an interval is no pair of numbers, the lower one first.
    """
    try:
        fits = all(float(low) < float(high) for low, high in ([domain] if np.ndim(domain) < 2 else domain))
    except (TypeError, ValueError):
        fits = False
    if not fits:
        raise ValueError(f"define: domain: expected an interval such as (-2.0, 2.0), got {domain!r}")


def _check_template(name: str, latex: str, forward: FunctionType) -> None:
    """Refuses a formula with braces that belong neither to an input nor, doubled, to LaTeX."""
    known = {*signature(forward).parameters, "settings"}
    try:
        fields = {field for _, field, _, _ in Formatter().parse(latex) if field is not None}
    except ValueError as error:
        fields, wrong = set(), str(error)
    else:
        wrong = ", ".join(f"{{{field}}} is none of its inputs" for field in sorted(fields - known))
    if wrong:
        inputs = ", ".join(f"{{{parameter}}}" for parameter in signature(forward).parameters)
        raise ValueError(
            f"define: {name}: latex={latex!r}: {wrong}; write inputs as {inputs}, and LaTeX's own braces "
            r"doubled, as in \mathrm{{...}}"
        )


def _call(name: str, forward: FunctionType) -> str:
    """The formula of an operation that gives none: its name, and its inputs in parentheses."""
    parameters = forward.__code__.co_varnames[: forward.__code__.co_argcount] or ("xs",)
    inputs = ", ".join(f"{{{parameter}}}" for parameter in parameters)
    return rf"\operatorname{{{{{name.replace('_', chr(92) + '_')}}}}}({inputs})"


def _sample(given: Any, name: str) -> Sample:
    if isinstance(given, Sample):
        return given
    if not isinstance(given, tuple):
        raise TypeError(f"define: samples of {name!r} are tuples of arrays, got {type(given).__name__}")
    settings: Mapping[str, Any] = given[-1] if given and isinstance(given[-1], Mapping) else {}
    inputs = tuple(np.array(x) for x in (given[:-1] if settings else given))
    return Sample(tuple(x.shape for x in inputs), settings, make=lambda rng: inputs)
