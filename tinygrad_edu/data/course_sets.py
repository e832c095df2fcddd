"""The data sets of the course's exercises: two files that the user gives, and three recipes."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.data.layout import DataSet, Examples, in_columns
from tinygrad_edu.errors import arguments_explained, path_of, require_extra
from tinygrad_edu.settings import at_least, existing, whole

_DRAWN = {
    "n_samples": "m=", "random_state": "seed=", "shuffle": "nothing: fit draws the order of the examples",
    "factor": "nothing: it is the exercise's",
}  # fmt: skip
_ORIGIN = "; it comes with the course's exercises"


@arguments_explained
def cats(folder: str | Path) -> DataSet:
    """The cat images of the course, 209 for training and 50 for the test: X (12288, m) in 0..1; 1 is a cat.

    ``folder`` holds ``train_catvnoncat.h5`` and ``test_catvnoncat.h5``. The files are the course's; no
    licence is stated for the images, so they do not come with this package. Pixels are divided by 255
    and not centred, as in the exercise. Needs the extra ``h5``.

    Raises:
        MissingExtraError: without h5py.
        FileNotFoundError: naming the file that the folder lacks.
        ValueError: for a file with other contents.

    >>> cats("nowhere")
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere/train_catvnoncat.h5: no such file; it comes with the course's exercises
    """
    h5py = require_extra("h5py", extra="h5")
    folder = path_of(folder, "cats", "the folder of the exercise's files")
    train, test = (_cat_file(h5py, folder, part) for part in ("train", "test"))
    return DataSet(*train, *test, class_names=("non-cat", "cat"))


def _cat_file(h5py: Any, folder: Path, part: str) -> Examples:
    path = existing(folder / f"{part}_catvnoncat.h5", "cats", _ORIGIN)
    keys = f"{part}_set_x", f"{part}_set_y"
    try:
        opened = h5py.File(path)
    except OSError as error:
        raise ValueError(f"{path}: it cannot be read as HDF5: {error}") from None
    with opened as file:
        if not set(keys) <= set(file):
            raise ValueError(f"{path}: expected {' and '.join(keys)}, got {', '.join(file) or 'nothing'}")
        images, labels = (file[key][:] for key in keys)
    return in_columns(images.reshape(len(images), -1) / 255.0, labels)


@arguments_explained
def football(path: str | Path) -> DataSet:
    """The football positions of the exercise "Regularization": X (2, 211), test set (2, 200).

    ``path`` is the exercise's ``data.mat`` (MATLAB 5: X, y, Xval, yval, examples in rows), which does not
    come with this package. 1 where the own team headed the ball. Needs SciPy, which the extra
    ``sklearn`` brings.

    Raises:
        MissingExtraError: without SciPy.
        FileNotFoundError: where there is no such file.
        ValueError: for a file with other contents.

    >>> football("nowhere.mat")
    Traceback (most recent call last):
    ...
    FileNotFoundError: nowhere.mat: no such file; it comes with the course's exercises
    """
    reader = require_extra("scipy.io", extra="sklearn")
    file = existing(path, "football", _ORIGIN)
    try:
        contents = reader.loadmat(file)
    except (ValueError, TypeError, NotImplementedError, OSError) as error:
        raise ValueError(f"{path}: it cannot be read as MATLAB 5: {error}") from None
    keys = "X", "y", "Xval", "yval"
    if not set(keys) <= set(contents):
        found = ", ".join(key for key in contents if not key.startswith("__"))
        raise ValueError(f"{path}: expected {', '.join(keys)}, got {found or 'nothing'}")
    train, test = (in_columns(contents[X], contents[y]) for X, y in (keys[:2], keys[2:]))
    return DataSet(*train, *test, class_names=("other team", "own team"))


@partial(arguments_explained, known=_DRAWN)
def flower(m: int = 400, seed: int = 1) -> Examples:
    """The planar "flower" of two colours: X (2, m), Y (1, m), half of each class.

    The exercise's recipe, with NumPy's legacy generator, so that the published figures reproduce.

    ``seed`` is that of the generator; 1 is the exercise's.

    Raises:
        ValueError: an odd number of examples, or fewer than 2.

    >>> X, Y = flower()
    >>> X.shape, Y.shape, float(X[0, 0])
    ((2, 400), (1, 400), 1.204442292254319)
    """
    given: Any = m
    if not isinstance(given, (int, np.integer)) or m < 2 or m % 2:
        raise ValueError(f"flower: m: expected an even number of examples, at least 2, got {m!r}")
    rng = np.random.RandomState(whole("flower: seed", seed, 0))
    petals = []
    for k in range(2):
        t = np.linspace(k * 3.12, (k + 1) * 3.12, m // 2) + rng.standard_normal(m // 2) * 0.2
        r = 4 * np.sin(4 * t) + rng.standard_normal(m // 2) * 0.2
        petals.append(np.stack([r * np.sin(t), r * np.cos(t)]))
    return Examples(np.concatenate(petals, axis=1), np.repeat([[0.0, 1.0]], m // 2, axis=1))


@partial(arguments_explained, known=_DRAWN)
def moons(m: int = 300, seed: int = 3, noise: float = 0.2) -> Examples:
    """Two interleaved half circles: X (2, m), Y (1, m). Needs the extra ``sklearn``.

    ``noise`` is the deviation of what is added to each point, ``seed`` that of the generator.

    >>> moons().X.shape
    (2, 300)
    """
    make = require_extra("sklearn.datasets", extra="sklearn").make_moons
    m, noise = whole("moons: m", m, 1), at_least("moons: noise", noise, 0)
    return in_columns(*make(n_samples=m, noise=noise, random_state=whole("moons: seed", seed, 0)))


@partial(arguments_explained, known=_DRAWN)
def circles(m: int = 300, m_test: int = 100, noise: float = 0.05) -> DataSet:
    """A circle inside another, class 1 inside: 300 examples and 100 for the test. Needs ``sklearn``.

    As in the exercise "Initialization": the legacy generator at 1 for training, at 2 for the test.

    ``m`` and ``m_test`` count the examples; ``noise`` is the deviation of what is added to each point.

    >>> circles()
    DataSet(X_train (2, 300), X_test (2, 100), classes outer, inner)
    """
    make = require_extra("sklearn.datasets", extra="sklearn").make_circles
    m, m_test = whole("circles: m", m, 1), whole("circles: m_test", m_test, 1)
    noise = at_least("circles: noise", noise, 0)
    train, test = (
        in_columns(*make(n_samples=n, noise=noise, random_state=seed)) for n, seed in ((m, 1), (m_test, 2))
    )
    return DataSet(*train, *test, class_names=("outer", "inner"))
