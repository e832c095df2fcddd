"""Splitting, scaling, one-hot, and files through pandas and Pillow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu import data


@given(st.integers(10, 60), st.floats(0, 0.4), st.floats(0, 0.4), st.integers(0, 9), st.booleans())
def test_every_example_goes_into_one_part_with_its_label(
    m: int, dev: float, test: float, seed: int, whole: bool
) -> None:
    X = np.arange(2.0 * m).reshape(2, m)
    Y = np.where(np.arange(m) % 3 == 0, 1.0, 0.0)[None]
    parts = data.split(X, Y, dev=dev, test=test, seed=seed, stratify=whole)
    found = np.concatenate([part.X[0] for part in parts])
    assert sorted(found.tolist()) == list(range(m))
    for part in parts:
        assert np.array_equal(part.Y, Y[:, part.X[0].astype(int)])
    again = data.split(X, Y, dev=dev, test=test, seed=seed, stratify=whole)
    assert all(np.array_equal(one.X, other.X) for one, other in zip(parts, again, strict=True))
    if whole:
        for k, share in ((1, dev), (2, test)):
            for label in (0, 1):
                assert abs((label == parts[k].Y).sum() - share * (label == Y).sum()) <= 1


@given(st.lists(st.integers(1, 6), min_size=2, max_size=12), st.floats(0, 0.2), st.floats(0, 0.2))
def test_small_classes_leave_no_part_empty_and_are_all_learnt_from(
    sizes: list[int], dev: float, test: float
) -> None:
    Y = np.repeat(np.arange(len(sizes)), np.array(sizes) + 1)[None]
    m = Y.shape[1]
    parts = data.split(np.zeros((1, m)), Y, dev=dev, test=test)
    assert np.unique(parts.train.Y).size == len(sizes)
    for part, share in ((parts.dev, dev), (parts.test, test)):
        assert abs(part.Y.size - share * m) <= 2  # a class of two examples can give one away


@pytest.mark.parametrize("dtype", ["U1", "S1", "?", "i8", "f4"])
def test_labels_of_any_kind_are_classes(dtype: str) -> None:
    Y = np.array([[0, 1] * 10]).astype(dtype)
    parts = data.split(np.zeros((1, 20)), Y, test=0.3)
    assert [np.unique(part.Y, return_counts=True)[1].tolist() for part in parts] == [[7, 7], [], [3, 3]]


def test_images_are_split_along_their_own_axis() -> None:
    train, _, test = data.split(np.zeros((10, 4, 4, 1)), np.zeros((1, 10)), axis=0)
    assert (train.X.shape, test.X.shape, test.Y.shape) == ((8, 4, 4, 1), (2, 4, 4, 1), (1, 2))


@given(st.integers(1, 4), st.integers(2, 20), st.integers(0, 9))
def test_scaling_is_scikit_learns_and_is_undone(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    X, other = rng.normal(3, 5, size=(n, m)), rng.normal(size=(n, 3))
    X[0] = 2.0  # the same in all examples
    scaling = data.Scaling.of(X)
    np.testing.assert_allclose(scaling(X).mean(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(scaling.back(scaling(other)), other, atol=1e-9)
    scaler = pytest.importorskip("sklearn.preprocessing").StandardScaler().fit(X.T)
    train, test = data.scaled(X, other)
    np.testing.assert_allclose(train, scaler.transform(X.T).T, atol=1e-9)
    np.testing.assert_allclose(test, scaler.transform(other.T).T, atol=1e-9)


@given(st.floats(-1e100, 1e100), st.integers(1, 300), st.sampled_from("CF"))
def test_a_feature_that_is_the_same_everywhere_becomes_0(value: float, m: int, order: Any) -> None:
    X = np.full((2, m), value, order=order)
    X[1] = np.nextafter(value, np.inf) if m > 1 else value
    X[1, 0] = value  # but for rounding
    scaling = data.Scaling.of(X)
    assert (scaling(X)[0] == 0).all()
    np.testing.assert_allclose(scaling(X)[1], 0, atol=1e-12 * (1 + abs(value)))
    np.testing.assert_allclose(scaling(X + 1.0)[0], (value + 1.0) - value)


@given(st.lists(st.sets(st.sampled_from("abc")), min_size=1))
def test_many_hot_takes_groups_of_any_kind(groups: list[set[str]]) -> None:
    as_sets = data.multi_hot(groups, ["a", "b", "c"])
    assert np.array_equal(as_sets, data.multi_hot([sorted(group) for group in groups], ["a", "b", "c"]))
    assert np.array_equal(as_sets, data.multi_hot(map(iter, groups), ["a", "b", "c"]))


@given(st.lists(st.sampled_from("abcd"), min_size=1))
def test_one_hot_says_which_category(labels: list[str]) -> None:
    table = data.one_hot(labels)
    assert [sorted(set(labels))[k] for k in table.argmax(axis=0)] == labels
    assert (table.sum(axis=0) == 1).all()
    known = data.one_hot(labels, ["a", "b"], other=True)
    assert known.shape == (3, len(labels))
    assert np.array_equal(known[2] == 1, [label not in "ab" for label in labels])


X, Y = np.arange(8.0).reshape(2, 4), np.array([[0, 1, 0, 1]])
CALLS: list[tuple[Any, str, list[Any]]] = [
    (lambda v: data.split(v, Y), "^split: ", [None, "a", [[1, 2], [3]]]),
    (lambda v: data.split(X, v), "^split: ", [None, Y[:, :3], [[1, 2], [3]]]),
    (lambda v: data.split(X, Y, dev=v), "^split: dev", [-0.1, "0.1", None, 1, True]),
    (lambda v: data.split(X, Y, seed=v), "^split: seed", ["a", -1, np.random.default_rng(0)]),
    (lambda v: data.split(X, Y, stratify=v), "^split: stratify", [Y, "no", None, 1]),
    (lambda v: data.split(X, Y, axis=v), "^split: .*axis", ["columns", None, 2, -3, 1.0]),
    (data.one_hot, "^one_hot: ", [None, "cat", 3, [], [np.nan, 1.0], [None, "a"], [[0, 1], [1]], {"a": 1}]),
    (lambda v: data.one_hot(v, 3), "^one_hot: labels: ", [[0, 5], [0.5], [-1]]),
    (lambda v: data.one_hot([0, 1], v), "^one_hot: categories: ", [0, "3", 3.0, True, [0, 1, 1]]),
    (lambda v: data.one_hot([0, 1], 2, other=v), "^one_hot: other", ["yes", 1, None]),
    (data.multi_hot, "^multi_hot: groups", ["text", ["text"], None, 3, [1, 2]]),
    (data.Scaling.of, "^Scaling: ", [None, "x", X[0], X * np.nan, [[1, 2], [3]], X.astype(str), X[:, :0]]),
    (data.Scaling.of(X), "^Scaling: ", [X.T, np.full((2, 4), np.inf), None, "x"]),
    (lambda v: data.Scaling(v, np.ones((2, 1))), "^Scaling: mean", [0.0, [1.0, 2.0], np.ones((3, 1))]),
    (lambda v: data.Scaling(np.ones((2, 1)), v), "^Scaling: .*deviation", [np.zeros((2, 1)), [1.0]]),
    (data.flower, "^flower: m", [3, "3", 0, None]),
    (lambda v: data.DataSet(v, Y, X, Y, ("no", "yes")), "^DataSet: X_train", [None, "x", X[0], X[:, :0], 3]),
    (lambda v: data.DataSet(X, v, X, Y, ("no", "yes")), "^DataSet: .*Y_train", [None, Y[0], "y", [["a"]]]),
    (lambda v: data.DataSet(X, Y, X, Y, v), "^DataSet: class_names", ["ab", None, (0, 1), ("no",), 2]),
    (lambda v: data.DataSet(X, Y, X, Y, (), v), "^DataSet: feature_names", ["ab", None, ("a",), {"a": 1}]),
    (lambda v: data.image_folder(".", v), "^image_folder: size", [32, (32, 32, 3), (0, 32), "32", None]),
    (lambda v: data.image_folder(".", grey=v), "^image_folder: grey", ["yes", 1, None]),
]  # fmt: skip


@pytest.mark.parametrize(("call", "name", "value"), [(c, n, v) for c, n, values in CALLS for v in values])
def test_a_wrong_value_is_refused_with_the_name_of_its_argument(call: Any, name: str, value: Any) -> None:
    if "image" in name:
        pytest.importorskip("PIL")
    with pytest.raises((ValueError, TypeError), match=name):
        call(value)


TABLES: list[tuple[str, dict[str, Any], str]] = [
    ("a,b\n1,2\n", {"label": None}, "^csv: label: "),
    ("a,b\n1,2\n", {"label": 0}, "^csv: label: "),
    ("a,b\n1,2\n", {"label": "c"}, "no column 'c'"),
    ("a,b\n1,2\n", {"label": "b", "classes": "yes"}, "^csv: classes: "),
    ("a,b\n1,x\n", {"label": "b", "classes": False}, "classes=False: label: expected numbers"),
    ("a,b\n", {"label": "b"}, "expected rows"),
    ("a,b\n1,2\n3,4,5,6\n", {"label": "b"}, "cannot be read as a table"),
    ("a,b\ninf,2\n", {"label": "b"}, "a: expected finite numbers"),
]


@pytest.mark.parametrize(("text", "settings", "said"), TABLES)
def test_a_table_that_gives_no_examples_is_refused(
    text: str, settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    pytest.importorskip("pandas")
    (tmp_path / "a.csv").write_text(text, "utf-8")
    with pytest.raises((ValueError, TypeError), match=said):
        data.csv(tmp_path / "a.csv", **settings)


WRONG: list[tuple[Any, str]] = [
    (lambda: data.split(np.ones((2, 4)), np.ones((1, 5))), "a label for each"),
    (
        lambda: data.split(np.ones((2, 4)), np.ones((1, 4)), test=20),
        "split: test: expected a number from 0 to below 1",
    ),
    (lambda: data.split(np.ones((2, 4)), np.ones((1, 4)), dev=0.5, test=0.5), "leave none"),
    (lambda: data.one_hot([0, 5], 3), "5 is none of the categories 0, 1, 2; other=True"),
    (lambda: data.one_hot("cat"), r"got the text 'cat'; write \['cat'\]"),
    (lambda: data.one_hot([1, "a"]), "of several kinds"),
    (lambda: data.one_hot([[0, 1], [1]]), r"numbers or words as labels, got \[0, 1\]"),
    (lambda: data.split(np.ones((2, 4)), np.ones((1, 4)), seed="a"), "split: seed: expected a whole number"),  # type: ignore[arg-type]
    (lambda: data.flower(seed=-1), "flower: seed: expected a whole number"),
    (lambda: data.image_folder(3), "path of a folder, got 3"),  # type: ignore[arg-type]
    (lambda: data.csv(3, "y"), "csv: expected the path of a file, got 3"),  # type: ignore[arg-type]
    (lambda: data.multi_hot(["a b"]), r"text.split\(\)"),
    (lambda: data.Scaling.of(np.ones(3)), "one example a column"),
    (lambda: data.image_folder("nowhere"), "no such folder"),
]


@pytest.mark.parametrize(("call", "said"), WRONG, ids=[said[:30] for _, said in WRONG])
def test_what_cannot_be_is_refused(call: Any, said: str) -> None:
    if "folder" in said:
        pytest.importorskip("PIL")
    with pytest.raises((ValueError, TypeError, OSError), match=said):
        call()


def test_a_table_becomes_features_and_classes(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    file = tmp_path / "a.csv"
    file.write_text("size,colour,kind\n1.5,red,cat\n2,blue,dog\n3,red,cow\n", "utf-8")
    X, Y, classes, features = data.csv(file, "kind")
    assert features == ("size", "colour=blue", "colour=red")
    assert X.tolist() == [[1.5, 2.0, 3.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    assert classes == ("cat", "cow", "dog")
    assert Y.argmax(axis=0).tolist() == [0, 2, 1]
    assert data.csv(file, "colour").Y.tolist() == [[1.0, 0.0, 1.0]]
    assert data.csv(file, "size").Y.tolist() == [[1.5, 2.0, 3.0]]
    with pytest.raises(ValueError, match="no column 'breed'; it has size, colour, kind"):
        data.csv(file, "breed")
    file.write_text("a,b\n1,\n2,3\n", "utf-8")
    with pytest.raises(ValueError, match="values are missing in b"):
        data.csv(file, "a")


def test_a_folder_of_images_becomes_examples(tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    for name, grey in (("cat", 255), ("dog", 0)):
        (tmp_path / name).mkdir()
        pillow.new("RGB", (8, 6), (grey, grey, grey)).save(tmp_path / name / "a.png")
    X, Y, classes, _ = data.image_folder(tmp_path, (3, 4))
    assert (X.shape, classes, Y.tolist()) == ((2, 3, 4, 3), ("cat", "dog"), [[0.0, 1.0]])
    assert (X[0] == 1).all()
    assert (X[1] == 0).all()
    assert data.image_folder(tmp_path, (3, 4), grey=True, columns=True).X.shape == (12, 2)
    (tmp_path / "dog" / "b.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match=r"b\.png: it cannot be read as an image"):
        data.image_folder(tmp_path)


@pytest.mark.parametrize("values", [np.arange(16, dtype=np.uint16) * 4000, np.linspace(0, 1, 16, dtype="f4")])
def test_an_image_that_has_no_bytes_is_not_cut_off(values: Any, tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
        pillow.fromarray(values.reshape(4, 4)).save(tmp_path / kind / "1.tiff")
    with pytest.raises(ValueError, match=r"1\.tiff: expected an image of 8 bits .*mode"):
        data.image_folder(tmp_path, (4, 4))
