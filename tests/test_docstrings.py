"""The examples in the docstrings of operations run.

pytest finds those of functions and classes itself; an operation is an object, which it passes over.
"""

from __future__ import annotations

import doctest
import inspect
from io import StringIO
from typing import Any

import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.table import OPS

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def failures(name: str, doc: str | None) -> str:
    """What went otherwise than the examples say; also when there is none."""
    test = doctest.DocTestParser().get_doctest(inspect.cleandoc(doc or ""), {}, name, None, 0)
    if not test.examples:
        return f"{name}: no example"
    out = StringIO()
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=out.write)
    return out.getvalue()


@pytest.mark.parametrize("name", sorted(OPS))
def test_the_examples_of_an_operation_run(name: str) -> None:
    assert failures(name, OPS[name].__doc__) == ""


def without_example(namespace: Any) -> list[str]:
    """Public functions and classes that do not show themselves at work; exceptions need not."""
    values = {name: getattr(namespace, name) for name in namespace.__all__}
    return [
        name
        for name, value in values.items()
        if callable(value)
        and not (inspect.isclass(value) and issubclass(value, BaseException))
        and ">>>" not in (value.__doc__ or "")
    ]


def test_every_public_function_shows_an_example() -> None:
    assert without_example(tg) == []


@pytest.mark.parametrize(
    ("doc", "said"),
    [
        (">>> 1 + 1\n2", ""),
        (">>> 1 + 1\n3", "Expected:\n    3\nGot:\n    2\n"),
        ("Adds.", "it: no example"),
        (None, "it: no example"),
    ],
)
def test_an_example_that_fails_is_found(doc: str | None, said: str) -> None:
    assert failures("it", doc).endswith(said)
    assert bool(failures("it", doc)) == bool(said)
