"""The estimators are scikit-learn's: its own checks, pipelines, grid search, weights, and its accuracy."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import LogisticRegression as Theirs
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier as TheirMLP
from sklearn.neural_network import MLPRegressor as TheirRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import tinygrad_edu as tg
from tinygrad_edu.estimators import LogisticRegression, MLPClassifier, MLPRegressor

HIDDEN: dict[str, Any] = {"hidden_layer_sizes": (20,), "random_state": 0}
SMALL: dict[str, Any] = {"max_iter": 150, "random_state": 0}


@pytest.mark.filterwarnings("default")
@parametrize_with_checks(
    [
        LogisticRegression(**SMALL),
        MLPClassifier((20,), learning_rate_init=0.01, **SMALL),
        MLPRegressor((20,), learning_rate_init=0.01, **SMALL),
    ]
)
def test_scikit_learn_s_own_checks(estimator: Any, check: Any) -> None:
    check(estimator)


def test_logistic_regression_answers_breast_cancer_as_well_as_scikit_learn_s() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    both = LogisticRegression(random_state=0), Theirs(max_iter=1000)
    ours, theirs = (cross_val_score(make_pipeline(StandardScaler(), e), X, y, cv=5).mean() for e in both)
    assert ours > theirs - 0.001


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_network_from_the_same_weights_answers_breast_cancer_as_scikit_learn_s() -> None:
    """From ten starts. Other starts alone change the accuracy by more than 0.001."""
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    (P, Q), (p, q) = (np.split(a, [400]) for a in (X, y))
    found = []
    for seed in range(10):
        theirs = TheirMLP((16,), alpha=0.01, batch_size=400, random_state=seed)
        theirs.set_params(learning_rate_init=1e-300, max_iter=1).fit(P, p)  # the weights it starts from
        model = tg.nn.MLP([30, 16, 1], l2=0.01)
        for l, (W, b) in enumerate(zip(theirs.coefs_, theirs.intercepts_, strict=True), start=1):
            model.load_state_dict({f"W{l}": W.T, f"b{l}": b[:, None]}, strict=False)
        theirs.set_params(learning_rate_init=0.01, max_iter=60).fit(P, p)
        tg.nn.fit(model, P.T, p[None], optimizer=tg.optim.Adam(lr=0.01), epochs=60, progress=False)
        found.append((model.accuracy(Q.T, q[None]), theirs.score(Q, q)))
    ours, theirs_mean = np.mean(found, axis=0)
    assert abs(ours - theirs_mean) <= 0.001


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_numbers_as_well_as_scikit_learn() -> None:
    X, y = load_diabetes(return_X_y=True)
    ours = cross_val_score(MLPRegressor(**HIDDEN), X, y, cv=3).mean()
    theirs = cross_val_score(TheirRegressor(**HIDDEN, max_iter=2000), X, y, cv=3).mean()
    assert ours > theirs - 0.05


def test_raw_features_need_no_scaling() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    assert LogisticRegression(random_state=0).fit(X, y).score(X, y) > 0.97


def test_the_coefficients_are_those_of_the_features() -> None:
    X, y = load_breast_cancer(return_X_y=True)
    model = LogisticRegression(random_state=0).fit(X, y)
    Z = X @ model.coef_.T + model.intercept_
    np.testing.assert_allclose(Z[:, 0], model.decision_function(X), rtol=1e-9)


def test_in_a_grid_search() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(
        StandardScaler(), MLPClassifier(random_state=0, max_iter=50, learning_rate_init=0.01)
    )
    grid = {"mlpclassifier__hidden_layer_sizes": [(5,), (10, 5)], "mlpclassifier__alpha": [1e-4, 1.0]}
    assert GridSearchCV(pipeline, grid, cv=3).fit(X, y).best_score_ > 0.9


def test_pandas_in() -> None:
    pandas = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True, as_frame=True)
    model = LogisticRegression(max_iter=20).fit(X, y.map({0: "a", 1: "b", 2: "c"}))
    assert list(model.feature_names_in_) == list(X.columns)
    assert set(model.predict(X)) <= {"a", "b", "c"}
    assert isinstance(X, pandas.DataFrame)


@pytest.mark.parametrize("make", [LogisticRegression, MLPClassifier])
def test_a_weight_of_two_is_the_example_twice(make: Any) -> None:
    X, y = load_iris(return_X_y=True)
    X, y, weights = X[::2], y[::2], np.arange(75) % 3
    settings = {"max_iter": 30, "random_state": 0, "batch_size": 10**6}
    once = make(**settings).fit(X, y, weights).predict_proba(X)
    again = np.repeat(np.arange(75), weights)
    np.testing.assert_allclose(once, make(**settings).fit(X[again], y[again]).predict_proba(X), atol=1e-8)


def test_warm_start_goes_on() -> None:
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier((5,), warm_start=True, max_iter=10, random_state=0).fit(X, y)
    first = list(model.loss_curve_)
    assert model.fit(X, y).loss_curve_[: len(first)] == first
    assert model.n_iter_ == 20


@pytest.mark.slow
def test_partial_fit_learns() -> None:
    X, y = load_iris(return_X_y=True)
    model = MLPClassifier((10,), random_state=0, learning_rate_init=0.01)
    for _ in range(100):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert model.score(X, y) > 0.9


def test_several_outputs() -> None:
    x = np.linspace(-1, 1, 60)[:, None]
    Y = np.hstack([x**2, -x])
    assert MLPRegressor((20,), random_state=0).fit(x, Y).predict(x).shape == (60, 2)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda X, y: LogisticRegression(alpha=-1).fit(X, y),
            "alpha: expected a number of 0 or more",
        ),
        (
            lambda X, y: MLPClassifier(max_iter=0).fit(X, y),
            "max_iter: expected a whole number of at least 1, got 0",
        ),
        (lambda X, y: LogisticRegression().fit(X, y * 0), "at least two classes, got 1 class"),
        (lambda X, y: LogisticRegression().fit(X, y, -y), "sample_weight: expected weights of 0 or more"),
        (lambda X, y: LogisticRegression().partial_fit(X, y), "expected classes= at the first call"),
        (lambda X, y: LogisticRegression().partial_fit(X, y, [0, 1]), "expected the classes"),
    ],
)
def test_what_cannot_be_fitted_is_said(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call(*load_iris(return_X_y=True))


def test_they_are_reached_from_the_front_door() -> None:
    assert tg.estimators.LogisticRegression is LogisticRegression


def test_without_scikit_learn_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['sklearn'] = None; sys.modules['sklearn.base'] = None\n"
        "import tinygrad_edu as tg\n"
        "try:\n    tg.estimators\nexcept tg.MissingExtraError as error:\n    print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 'pip install "tinygrad_edu[sklearn]"' in said


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"hidden_layer_sizes": "a"}, r"hidden_layer_sizes: expected the units .* \(20, 7\), got 'a'"),
        ({"hidden_layer_sizes": (3.5,)}, "hidden_layer_sizes: expected the units"),
        ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes: expected the units"),
        ({"learning_rate_init": 0}, "learning_rate_init: expected a number above 0, got 0"),
        ({"max_iter": 2.5}, "max_iter: expected a whole number of at least 1, got 2.5"),
        ({"alpha": -1}, "alpha: expected a number of 0 or more, got -1"),
    ],
)
def test_a_setting_out_of_range_is_told_by_its_own_name(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        MLPClassifier(**settings).fit([[0.0], [1.0]], [0, 1])


def test_a_name_that_is_not_there_is_answered() -> None:
    with pytest.raises(AttributeError, match=r"tg\.estimators has no Classifier; did you mean MLPClassifier"):
        _ = tg.estimators.Classifier
