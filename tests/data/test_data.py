"""Data sets: the course's layout, nothing of the test set in the training set, the same under a seed."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu import data
from tinygrad_edu.errors import MissingExtraError

SETS: dict[str, Callable[..., data.DataSet]] = {"breast_cancer": data.breast_cancer, "digits": data.digits}
bundled = pytest.mark.parametrize("load", SETS.values(), ids=SETS)


@bundled
def test_examples_are_columns_and_all_are_there(load: Callable[..., data.DataSet]) -> None:
    found = load(test_size=0.3, seed=5)
    m = {"breast_cancer": 569, "digits": 1797}[load.__name__]
    assert found.X_train.shape[1] + found.X_test.shape[1] == m
    for X, Y in (found.train, found.test):
        assert X.shape[0] == found.n_x == len(found.feature_names)
        assert Y.shape[1] == X.shape[1]
        assert X.dtype == Y.dtype == np.float64
    assert abs(found.X_test.shape[1] / m - 0.3) < 0.01


def test_two_classes_are_a_row_of_0_and_1() -> None:
    found = data.breast_cancer()
    assert found.Y_train.shape[0] == 1
    assert set(np.unique(found.Y_train)) == {0.0, 1.0}
    assert found.class_names == ("malignant", "benign")
    # The set has 357 benign tumours: label 1 must mean what class_names says.
    assert found.Y_train.sum() + found.Y_test.sum() == 357


def test_ten_classes_are_one_hot_columns() -> None:
    found = data.digits()
    assert found.Y_train.shape[0] == found.Y_test.shape[0] == 10 == len(found.class_names)
    assert np.array_equal(found.Y_train.sum(axis=0), np.ones(found.Y_train.shape[1]))
    assert (found.X_train.min(), found.X_train.max()) == (0.0, 1.0)


@bundled
def test_a_column_keeps_its_own_label(load: Callable[..., data.DataSet]) -> None:
    datasets = pytest.importorskip("sklearn.datasets")
    raw = getattr(datasets, f"load_{load.__name__}")()
    scale = 16.0 if load is data.digits else 1.0
    label_of = {row.tobytes(): label for row, label in zip(raw.data / scale, raw.target, strict=True)}
    found = load(standardise=False)
    for X, Y in (found.train, found.test):
        labels = Y[0] if load is data.breast_cancer else np.argmax(Y, axis=0)
        assert [label_of[np.ascontiguousarray(column).tobytes()] for column in X.T] == list(labels)


@bundled
def test_both_parts_have_the_classes_in_proportion(load: Callable[..., data.DataSet]) -> None:
    found = load()
    shares = [Y.mean(axis=1) for _, Y in (found.train, found.test)]
    assert np.allclose(*shares, atol=0.01)


@bundled
def test_standardisation_knows_nothing_of_the_test_set(load: Callable[..., data.DataSet]) -> None:
    raw, scaled = load(standardise=False), load(standardise=True)
    mean = raw.X_train.mean(axis=1, keepdims=True)
    deviation = raw.X_train.std(axis=1, keepdims=True)
    deviation[deviation == 0] = 1.0
    for before, after in ((raw.X_train, scaled.X_train), (raw.X_test, scaled.X_test)):
        assert np.allclose(after, (before - mean) / deviation, atol=1e-9)
    assert np.allclose(scaled.X_train.mean(axis=1), 0.0, atol=1e-9)
    assert not np.allclose(scaled.X_test.mean(axis=1), 0.0, atol=1e-3)


@bundled
def test_no_example_is_in_both_parts(load: Callable[..., data.DataSet]) -> None:
    found = load()
    columns = {
        part: {column.tobytes() for column in X.T.copy()} for part, X in vars(found).items() if "X" in part
    }
    assert columns["X_train"].isdisjoint(columns["X_test"])


@bundled
def test_the_seed_decides_the_split(load: Callable[..., data.DataSet]) -> None:
    one, same, other = load(seed=1), load(seed=1), load(seed=2)
    assert np.array_equal(one.X_train, same.X_train)
    assert np.array_equal(one.Y_test, same.Y_test)
    assert not np.array_equal(one.X_train, other.X_train)


@pytest.mark.parametrize("share", [0, 1, 1.5, -0.1])
def test_a_test_size_that_leaves_a_part_empty_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match=f"test_size: expected a share between 0 and 1, got {share}"):
        data.breast_cancer(test_size=share)


@pytest.mark.parametrize(
    ("load", "module", "extra"),
    [
        (data.breast_cancer, "sklearn.datasets", "sklearn"),
        (data.digits, "sklearn.datasets", "sklearn"),
        (data.moons, "sklearn.datasets", "sklearn"),
        (data.circles, "sklearn.datasets", "sklearn"),
        (lambda: data.cats("nowhere"), "h5py", "h5"),
        (lambda: data.football("nowhere"), "scipy.io", "sklearn"),
    ],
    ids=["breast_cancer", "digits", "moons", "circles", "cats", "football"],
)
def test_a_missing_library_is_named_with_its_extra(
    load: Callable[[], object], module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)  # as if it were not installed
    with pytest.raises(MissingExtraError, match=rf'pip install "tinygrad_edu\[{extra}\]"'):
        load()


def test_cats_are_the_published_files_in_columns(shared: Path) -> None:
    folder = shared / "data"
    digest = hashlib.sha256((folder / "train_catvnoncat.h5").read_bytes()).hexdigest()
    assert digest == "fbe56ab67c3ae28d564e3a644189117976d6b31af0a3ce9bb17dbf22908af242"
    found = data.cats(folder)
    assert found.X_train.shape == (12288, 209)
    assert found.X_test.shape == (12288, 50)
    assert np.array_equal(found.X_train[:5, 0] * 255, [17, 31, 56, 22, 33])
    assert (found.Y_train.sum(), found.Y_test.sum()) == (72, 33)
    assert found.class_names == ("non-cat", "cat")


def test_a_folder_without_the_cat_files_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"train_catvnoncat\.h5: no such file"):
        data.cats(tmp_path)


def test_a_file_with_other_contents_is_named(tmp_path: Path) -> None:
    h5py, io = pytest.importorskip("h5py"), pytest.importorskip("scipy.io")
    with h5py.File(tmp_path / "train_catvnoncat.h5", "w") as file:
        file["dogs"] = [1, 2]
    with pytest.raises(ValueError, match="expected train_set_x and train_set_y, got dogs"):
        data.cats(tmp_path)
    io.savemat(tmp_path / "data.mat", {"X": np.ones((3, 2))})
    with pytest.raises(ValueError, match="expected X, y, Xval, yval, got X"):
        data.football(tmp_path / "data.mat")
    for path in (tmp_path / "train_catvnoncat.h5", tmp_path / "data.mat"):
        path.write_bytes(b"text " * 200)
    with pytest.raises(ValueError, match=r"train_catvnoncat\.h5: it cannot be read as HDF5"):
        data.cats(tmp_path)
    with pytest.raises(ValueError, match=r"data\.mat: it cannot be read as MATLAB 5"):
        data.football(tmp_path / "data.mat")


def test_football_turns_rows_into_columns(tmp_path: Path) -> None:
    io = pytest.importorskip("scipy.io")
    rows = {
        "X": np.arange(6.0).reshape(3, 2),
        "y": [[0], [1], [1]],
        "Xval": np.ones((2, 2)),
        "yval": [[1], [0]],
    }
    io.savemat(tmp_path / "data.mat", rows)
    found = data.football(tmp_path / "data.mat")
    assert np.array_equal(found.X_train, rows["X"].T)
    assert found.Y_train.tolist() == [[0.0, 1.0, 1.0]]
    assert found.Y_test.tolist() == [[1.0, 0.0]]


def test_recipes_leave_numpys_own_generator_alone() -> None:
    np.random.seed(0)  # noqa: NPY002  (the state under test)
    before = np.random.get_state()[1].copy()  # type: ignore[index, union-attr]  # noqa: NPY002
    data.flower()
    data.moons()
    data.circles()
    data.breast_cancer()
    assert np.array_equal(before, np.random.get_state()[1])  # type: ignore[index]  # noqa: NPY002


@pytest.mark.parametrize("m", [0, 1, 3])
def test_a_flower_has_two_halves(m: int) -> None:
    with pytest.raises(ValueError, match=f"flower: m: expected an even number .* at least 2, got {m}"):
        data.flower(m)


def test_a_set_whose_parts_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="X_train has 2 rows and X_test has 3"):
        data.DataSet(np.ones((2, 4)), np.ones((1, 4)), np.ones((3, 4)), np.ones((1, 4)), ("a", "b"))
    with pytest.raises(ValueError, match=r"X_test \(2, 0\): expected at least one example"):
        data.DataSet(np.ones((2, 4)), np.ones((1, 4)), np.ones((2, 0)), np.ones((1, 0)), ("a", "b"))
