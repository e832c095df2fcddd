"""A csv file as a table: the same text that pandas reads, and columns that are made ready for new rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tinygrad_edu.data.recipe import MOST_WORDS, Recipe
from tinygrad_edu.data.table import Table, read_table
from tinygrad_edu.data.target import Target

words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=6)
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@QUICK
@given(st.data(), st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n"]))
def test_the_text_is_that_which_pandas_reads(tmp_path: Path, data: Any, separator: str, end: str) -> None:
    pandas = pytest.importorskip("pandas", reason="needs the extra 'data'")
    names = data.draw(st.lists(words.map(lambda w: f"n{w}"), min_size=2, max_size=4, unique=True))
    value = st.one_of(words, st.just("a b"), st.just('say "x", y;\tz'), st.just("one\ntwo"))
    body = data.draw(st.lists(st.lists(value, min_size=len(names), max_size=len(names)), min_size=1))
    frame = pandas.DataFrame(body, columns=names)
    path = tmp_path / "a.csv"
    frame.to_csv(path, sep=separator, index=False, lineterminator=end, quoting=1)
    table = read_table(path)
    assert {name: list(column) for name, column in table.columns.items()} == frame.to_dict("list")


numbers = st.one_of(st.just(""), st.integers(-99, 99).map(str), st.floats(-1e6, 1e6).map(repr))


@QUICK
@given(st.lists(st.tuples(numbers, words, st.sampled_from(["no", "yes"])), min_size=4, max_size=60))
def test_a_recipe_is_the_same_behind_its_json(body: list[tuple[str, str, str]]) -> None:
    columns = dict(zip("abc", zip(*body, strict=True), strict=True)) | {
        "k": tuple(map(str, range(len(body))))
    }
    table = Table("a.csv", columns, tuple(range(len(body))))
    recipe, _ = Recipe.of(table, Target("c", ("no", "yes")))
    again = Recipe.from_data(json.loads(json.dumps(recipe.to_data())))
    X = recipe.X(table)
    np.testing.assert_array_equal(X, again.X(table))
    assert X.shape == (len(recipe.rows), len(body))
    np.testing.assert_allclose(X.mean(axis=1), 0, atol=1e-9)
    assert all(np.isclose(X.std(axis=1), 1) | np.isclose(X.std(axis=1), 0))
    np.testing.assert_array_equal(recipe.X(table.rows([2, 0])), X[:, [2, 0]])


def test_a_text_that_is_not_learnt_moves_no_weight_of_its_own() -> None:
    """Where no training example is 'other', there is no row for it, whose weight nobody trained."""
    table = Table("a.csv", {"a": ("x", "y") * 4, "b": ("0", "1") * 4}, tuple(range(8)))
    recipe, _ = Recipe.of(table, Target.of(table, "b"))
    assert recipe.rows == ("a=x", "a=y")
    new = Table("b.csv", {"a": ("z", "")}, (2, 3))
    np.testing.assert_array_equal(recipe.X(new), [[-1, -1], [-1, -1]])
    assert [note.partition(":")[0] for note in recipe.said_of(new)] == ["a", "a"]


def test_the_most_frequent_texts_have_a_row_and_the_rest_is_other() -> None:
    texts = tuple(f"t{k:02d}" for k in range(30) for _ in range(40 - k))
    table = Table("a.csv", {"a": texts}, tuple(range(len(texts))))
    recipe, (note,) = Recipe.of(table, Target("y"))
    assert recipe.rows == (*(f"a=t{k:02d}" for k in range(MOST_WORDS)), "a=(other)")
    assert "30 different texts; the 20 most frequent count, the rest is 'other'" in note


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ("0 1 0 1", ("0", "1")),
        ("1.0 1 2 02", ("1", "2")),
        ("7.5 -3 7.5", ("-3", "7.5")),
        ("b a c a b c", ("a", "b", "c")),
        ("0 1 2 " * 4, ("0", "1", "2")),
        ("1 2 3 10 " * 4, ()),
        ("1 2 3", ()),
        ("1 2.5 3 " * 4, ()),
        ("10 9 a " * 3, ("10", "9", "a")),
    ],
)
def test_what_a_target_is(values: str, classes: tuple[str, ...]) -> None:
    column = tuple(values.split())
    target = Target.of(Table("a.csv", {"y": column}, tuple(range(len(column)))), "y")
    assert target.classes == classes
    assert target.output == {0: "linear", 2: "sigmoid"}.get(len(classes), "softmax")


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30, unique=True))
def test_numbers_come_back_in_their_own_unit(values: list[float]) -> None:
    table = Table("a.csv", {"y": tuple(map(repr, values))}, tuple(range(len(values))))
    target = Target.of(table, "y", "numbers").scaled(table)
    np.testing.assert_allclose(target.answers(target.Y(table)), values, atol=1e-8 * np.ptp(values) + 1e-12)
