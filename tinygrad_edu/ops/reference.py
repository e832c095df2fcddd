"""The page that says of every NumPy function whether it can be differentiated, is constant, or is refused.

It is made from the definitions: ``python -m tinygrad_edu.ops.reference > docs/operations.md``.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu.core.kinds import COMPOSED, Composed
from tinygrad_edu.core.op import Op
from tinygrad_edu.core.table import NUMPY, OPS
from tinygrad_edu.ops.numpy_coverage.non_differentiable import ABOUT_SHAPES, ABOUT_VALUES
from tinygrad_edu.ops.numpy_coverage.unsupported import NOT_ABOUT_TENSORS, REASONS, numpy_function

__all__ = ["numpy_names", "page", "unsaid"]

MODULES = ("", "linalg.", "fft.")
HEAD = """# Which NumPy functions can be differentiated

Generated from the definitions by `python -m tinygrad_edu.ops.reference`, with NumPy {version}.

Each function is reached as `tg.f(t)`, as `np.f(t)` where NumPy has it, and as `t.f()` where ndarray has it.
Values are real, float32 or float64, promoted as NumPy 2 does; every derivative can be differentiated again.
Arguments that a function's documentation does not name, such as `out=`, are refused by name.
"""
PLAIN = """
## Constant

These do not vary with the entries, or only in jumps. On Tensors they give plain arrays and numbers.
"""
REFUSED_HEAD = """
## Refused

A result would lose the Tensor's history, or has no derivative. A `TypeError` names the function and says what
to do; so it does for every function that is not on this page.
"""
OUTSIDE = """
## Take no Tensor

| what they do | functions |
|---|---|
"""


def numpy_names() -> dict[Callable[..., Any], list[str]]:
    """Every public function of np, np.linalg and np.fft, with all its names there."""
    names: dict[Callable[..., Any], list[str]] = defaultdict(list)
    for prefix in MODULES:
        place = numpy_function(prefix.rstrip(".")) if prefix else np
        for name in dir(place):
            value = getattr(place, name)
            if callable(value) and not name.startswith("_") and not isinstance(value, type):
                names[value].append(prefix + name)
    return names


def unsaid() -> list[str]:
    """The functions of the NumPy that is installed about which nothing is said."""
    said = set(NUMPY)
    for names in (*REASONS, *NOT_ABOUT_TENSORS.values()):
        said.update(map(numpy_function, names.split()))
    return [names[0] for function, names in numpy_names().items() if function not in said]


def page() -> str:
    """The page, in Markdown."""
    defined: list[Op | Composed] = [*OPS.values(), *COMPOSED.values()]
    own = [d for d in defined if _kernel(d).__module__.startswith(f"{__package__}.")]  # not a user's
    constant = [d for d in own if isinstance(d, Op) and d.constant]
    version = ".".join(np.__version__.split(".")[:2])
    plain = ", ".join(_names_of(ABOUT_SHAPES + ABOUT_VALUES))
    parts = [
        HEAD.format(version=version),
        "\n## Differentiable\n",
        *_sections(d for d in own if d not in constant),
        PLAIN,
        "\n| function | what it gives |\n|---|---|\n",
        *map(_row, sorted(constant, key=lambda op: op.name)),
        f"| {plain} | NumPy's own answer on the plain arrays |\n",
        REFUSED_HEAD,
        "\n| function | because |\n|---|---|\n",
        *(f"| {', '.join(_code(names.split()))} | {why} |\n" for names, why in REASONS.items()),
        OUTSIDE,
        *(f"| {what} | {', '.join(_code(names.split()))} |\n" for what, names in NOT_ABOUT_TENSORS.items()),
    ]
    return "".join(parts)


def _sections(definitions: Iterable[Op | Composed]) -> Iterator[str]:
    """A table for each module, under the first sentence of its docstring."""
    rooms: dict[str, list[Op | Composed]] = defaultdict(list)
    for definition in definitions:
        rooms[_kernel(definition).__module__].append(definition)
    for room in sorted(rooms):
        yield f"\n### {_sentence(sys.modules[room].__doc__)}\n\n| function | value |\n|---|---|\n"
        yield from map(_row, sorted(rooms[room], key=lambda definition: definition.name))


def _kernel(definition: Op | Composed) -> Callable[..., Any]:
    return definition.forward if isinstance(definition, Op) else definition.call


def _row(definition: Op | Composed) -> str:
    names = ", ".join(_names_of(definition.numpy) or [f"`tg.{definition.name}`"])
    return f"| {names} | {_sentence(_kernel(definition).__doc__)} |\n"


def _names_of(functions: Iterable[Callable[..., Any]]) -> list[str]:
    names = numpy_names()
    return _code(name for function in dict.fromkeys(functions) for name in sorted(names.get(function, [])))


def _code(names: Iterable[str]) -> list[str]:
    return [f"`np.{name}`" for name in names]


def _sentence(doc: str | None) -> str:
    """The first line of a docstring, for a table: without the bars that would end a cell."""
    first = (doc or "").strip().partition("\n")[0]
    return first.replace(":func:", "").replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page())
