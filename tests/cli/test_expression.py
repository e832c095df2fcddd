"""Expressions typed by users: their value and gradients, and that nothing but the listed syntax is taken."""

from __future__ import annotations

import ast
import contextlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as tg
from tinygrad_edu.cli.expression import FUNCTIONS, evaluated, variables


def value_of(text: str, *given: str) -> Any:
    return evaluated(text, variables(given)).data


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        ("3*(a+b*c)", ["a=5", "b=3", "c=2"], 33.0),
        ("u = b*c; v = a+u; J = 3*v", ["a=5", "b=3", "c=2"], 33.0),
        ("a", ["a=-2.5e-1"], -0.25),
        ("-a + +a", ["a=2"], 0.0),
        ("2**a - a/4", ["a=3"], 7.25),
        ("sum(exp(x) * 2, axis=0)", ["x=[[0,0],[0,0]]"], [4.0, 4.0]),
        ("W.T @ x", ["W=[[1,2],[3,4]]", "x=[1,1]"], [4.0, 6.0]),
        ("abs(a) + max(x) + sigmoid(0*a)", ["a=-1", "x=[1,2]"], 3.5),
        ("reshape(x, shape=(2, 1))", ["x=[1,2]"], [[1.0], [2.0]]),
        ("(a +\n b)", ["a=1", "b=2"], 3.0),
    ],
)
def test_values(text: str, given: list[str], expected: Any) -> None:
    np.testing.assert_allclose(value_of(text, *given), expected)


def leaf() -> st.SearchStrategy[str]:
    return st.sampled_from(["a", "b", "0.5", "2"])


EXPRESSIONS = st.recursive(
    leaf(),
    lambda part: st.one_of(
        st.builds("({} {} {})".format, part, st.sampled_from("+-*"), part),
        st.builds("-{}".format, part),
        st.builds("{}({})".format, st.sampled_from(["tanh", "exp", "sigmoid", "square"]), part),
    ),
    max_leaves=8,
)


@given(EXPRESSIONS, st.floats(-1, 1), st.floats(-1, 1))
def test_values_are_those_of_python(text: str, a: float, b: float) -> None:
    with np.errstate(all="ignore"):
        names = {name: getattr(tg, name) for name in ("tanh", "exp", "sigmoid", "square")}
        expected = eval(text, {"__builtins__": {}}, names | {"a": np.float64(a), "b": np.float64(b)})
        found = value_of(f"{text} + 0*a + 0*b", f"a={a!r}", f"b={b!r}")
    np.testing.assert_allclose(found, expected + 0 * a + 0 * b, rtol=1e-12)


def test_steps_have_their_names() -> None:
    J = evaluated("u = b*c; v = a+u; 3*v", variables(["a=5", "b=3", "c=2"]))
    assert {node.name for node in tg.Graph(J)} == {"a", "b", "c", "u", "v", "J"}


def test_a_bare_variable_is_a_node_of_its_own() -> None:
    given = variables(["a=2"])
    J = evaluated("a", given)
    J.backward()
    assert (J.name, J.item(), given["a"].name, given["a"].grad) == ("J", 2.0, "a", 1.0)


REFUSED = """
    __import__('os').system('true') | ().__class__.__bases__[0] | a.__class__ | a.data | (lambda: 1)() |
    [a for a in (1,)] | [a] | (a, a) | {a} | a if a else a | a and a | not a | ~a | a < 1 | a == 1 | a // 2 |
    a % 2 | a ^ 1 | 'a' * 9 | b'a' | f'{a}' | True | None | 1j * a | ... | a[0] | exp(*a) | exp(**a) |
    sum(a, axis=a) |
    np.exp(a) | exp.forward(a) | open('x') | eval('a') | (b := a) | del a | import os | a += 1 |
    a: int = 1 | u, v = a, a | a.b = 1 | def f(): pass | await a | yield a | exp | 1; a; 2
"""


@pytest.mark.parametrize("text", [part.strip() for part in REFUSED.split("|")])
def test_nothing_else_is_taken(text: str) -> None:
    with pytest.raises(ValueError, match=r"not allowed|not a function|has no value|cannot read"):
        evaluated(text, variables(["a=1"]))


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused_as_an_error_of_value(text: str) -> None:
    with contextlib.suppress(ValueError, TypeError):
        assert isinstance(evaluated(text, variables(["a=1"])), tg.Tensor)


def test_every_kind_of_syntax_is_refused_unless_listed() -> None:
    taken = {ast.BinOp, ast.Call, ast.Constant, ast.Name, ast.UnaryOp, ast.Attribute}
    samples = {type(ast.parse(text, mode="eval").body) for text in ("a.T", "exp(a)", "1*a", "a", "-a", "a+1")}
    assert samples | {ast.Constant} == taken


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        ("a + b", ["a=1"], "b has no value: give it one, as in b=1"),
        ("a", ["a=1", "q=2"], "q: given, but not in 'a'"),
        ("a", ["a=1", "a=2"], "a is given twice"),
        ("a", ["a"], "expected name=value, such as a=5"),
        ("a", ["2a=1"], "expected name=value"),
        ("a", ["a=x"], "a: expected a number, or rows of numbers"),
        ("a", ["a=[1,[2]]"], "rows of numbers of one length"),
        ("a", ["a=__import__('os')"], "a: expected a number"),
        ("a", ["sum=1"], "sum is a function here"),
        ("", [], "expected an expression"),
        ("2 * 3", [], "has no variable in it"),
        ("sgmoid(a)", ["a=1"], "did you mean sigmoid"),
        ("frobnicate(a)", ["a=1"], "'tinygrad-edu draw --help' lists them"),
        ("((a", ["a=1"], "cannot read"),
        ("u = a; u = 2*u", ["a=1"], "u: already has a meaning"),
        ("exp = a", ["a=1"], "exp: already has a meaning"),
        ("9.0**9**9**9 * a", ["a=1"], "too large|out of range"),
        ("1/0 + a", ["a=1"], "division by zero"),
        ("(" * 300 + "a" + ")" * 300, ["a=1"], "nested|parenthes"),
        ("a" + "+a" * 5000, ["a=1"], "10000 characters"),
        ("-" * 5000 + "a", ["a=1"], "nested too deeply|cannot read"),
    ],
)
def test_errors(text: str, given: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        value_of(text, *given)


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        ("x @ y", ["x=[1,2]", "y=[1,2,3]"], r"matmul: x \(2,\)"),
        ("x + y", ["x=[1,2]", "y=[1,2,3]"], r"add: x \(2,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_told_by_name(text: str, given: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        value_of(text, *given)


def test_a_wrong_setting_is_told() -> None:
    with pytest.raises(TypeError, match="'axis' is not supported"):
        value_of("exp(a, axis=0)", "a=1")


def test_there_are_functions_to_call() -> None:
    assert {"exp", "log", "sigmoid", "sum", "mean", "tanh", "relu", "softmax"} <= set(FUNCTIONS)
