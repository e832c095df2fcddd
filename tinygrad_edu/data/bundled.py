"""Real data sets that scikit-learn carries: no download. They need the extra ``sklearn``."""

from __future__ import annotations

from functools import partial
from typing import Any

from tinygrad_edu.data.layout import DataSet, in_columns
from tinygrad_edu.errors import arguments_explained, require_extra
from tinygrad_edu.settings import share, whole, yes_or_no

_BUNDLED = {
    "return_X_y": "X, Y = data.train, of what it returns",
    "as_frame": "nothing: the names are in feature_names of what it returns",
    "random_state": "seed=",
    "standardize": "standardise=",
    "n_class": "nothing: all classes are there",
}


@partial(arguments_explained, known=_BUNDLED)
def breast_cancer(*, test_size: float = 0.2, seed: int = 0, standardise: bool = True) -> DataSet:
    """Wisconsin breast cancer: 569 tumours, 30 measurements each; 1 is benign, 0 malignant.

    ``test_size`` is the share of examples kept for the test, with both classes in proportion; ``seed``
    decides which. ``standardise`` brings every feature to mean 0 and deviation 1 over the training
    examples, and applies the same shift and scale to the test examples.

    Source: W. N. Street, W. H. Wolberg, O. L. Mangasarian (1993), UCI Machine Learning Repository.

    Raises:
        MissingExtraError: without scikit-learn.
        ValueError: unless 0 < test_size < 1.

    >>> breast_cancer()
    DataSet(X_train (30, 455), X_test (30, 114), classes malignant, benign)
    """
    return _load("load_breast_cancer", test_size, seed, standardise)


@partial(arguments_explained, known=_BUNDLED)
def digits(*, test_size: float = 0.2, seed: int = 0, standardise: bool = False) -> DataSet:
    """Handwritten digits: 1797 images of 8 × 8, so 64 features, scaled to 0..1; ten classes, Y one-hot.

    ``test_size``, ``seed`` and ``standardise`` are as for :func:`breast_cancer`; a pixel that is the same in
    all training images becomes 0 when standardised.

    Source: E. Alpaydin, C. Kaynak (1998), UCI Machine Learning Repository (the test part).

    Raises:
        MissingExtraError: without scikit-learn.
        ValueError: unless 0 < test_size < 1.

    >>> data = digits()
    >>> data.X_train.shape, data.Y_train.shape, data.X_test.shape
    ((64, 1437), (10, 1437), (64, 360))
    """
    return _load("load_digits", test_size, seed, standardise, divide_by=16.0)


def _load(name: str, test_size: float, seed: int, standardise: bool, divide_by: float = 1.0) -> DataSet:
    test_size = share("test_size", test_size)
    seed, standardise = whole("seed", seed, 0), yes_or_no("standardise", standardise)
    raw: Any = getattr(require_extra("sklearn.datasets", extra="sklearn"), name)()
    split = require_extra("sklearn.model_selection", extra="sklearn").train_test_split
    train, test, train_labels, test_labels = split(
        raw.data / divide_by, raw.target, test_size=test_size, random_state=seed, stratify=raw.target
    )
    if standardise:
        scaler = require_extra("sklearn.preprocessing", extra="sklearn").StandardScaler().fit(train)
        train, test = scaler.transform(train), scaler.transform(test)
    names = tuple(str(name) for name in raw.target_names)
    return DataSet(
        *in_columns(train, train_labels, classes=len(names)),
        *in_columns(test, test_labels, classes=len(names)),
        class_names=names,
        feature_names=tuple(str(name) for name in raw.feature_names),
    )
