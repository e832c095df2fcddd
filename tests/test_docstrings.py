"""The examples in the docstrings of operations run.

pytest finds those of functions and classes itself; an operation is an object, which it passes over.
"""

from __future__ import annotations

import ast
import doctest
import inspect
import re
import textwrap
from io import StringIO
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.op import Op
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
        and not inspect.ismodule(value)
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


# What a docstring says


def numpys_own(name: str) -> bool:
    """Whether NumPy documents its arguments: here, the docstring says what is otherwise."""
    return any(hasattr(module, name) for module in (np, np.linalg))


def unsaid(name: str, value: Any) -> list[str]:
    """Arguments of a function that its docstring does not name, and errors that it raises itself."""
    function = value.forward if isinstance(value, Op) else inspect.unwrap(value)
    doc = inspect.getdoc(value) or ""
    takes = [p for p in inspect.signature(function).parameters if p not in {"x", "xs", "a", "b"}]
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    raised = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc is not None]
    errors = {ast.unparse(e.func if isinstance(e, ast.Call) else e).rpartition(".")[2] for e in raised}
    words = [*takes, *sorted(e for e in errors if e[:1].isupper())]
    return [f"{name}: {word}" for word in words if not re.search(rf"\b{re.escape(word)}\b", doc)]


def functions_of(namespace: Any) -> list[tuple[str, Any]]:
    """Its public functions, once each, but for those that NumPy documents."""
    named = [(name, getattr(namespace, name)) for name in namespace.__all__]
    return [
        (name, value)
        for name, value in named
        if callable(value)
        and not (inspect.isclass(value) or inspect.ismodule(value))
        and not (numpys_own(name) or numpys_own(getattr(value, "__name__", "")))  # NumPy 2.5 has no row_stack
    ]


@pytest.mark.parametrize(
    "namespace",
    [tg, tg.check, tg.nn, tg.optim, tg.func, tg.data, tg.export, tg.distributed],
    ids=lambda m: m.__name__,
)
def test_a_docstring_names_the_arguments_and_the_errors(namespace: Any) -> None:
    assert [word for name, value in functions_of(namespace) for word in unsaid(name, value)] == []
    assert without_example(namespace) == []


def test_what_a_docstring_leaves_out_is_found() -> None:
    def half(path: str, mode: str) -> None:
        """Opens the path."""
        raise ValueError(path, mode)

    assert unsaid("half", half) == ["half: mode", "half: ValueError"]
