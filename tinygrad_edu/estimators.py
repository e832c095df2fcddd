"""scikit-learn estimators over ``nn``: rows are examples here, as scikit-learn has them. Needs ``sklearn``.

>>> from sklearn.datasets import load_iris
>>> from sklearn.pipeline import make_pipeline
>>> from sklearn.preprocessing import StandardScaler
>>> from tinygrad_edu.estimators import MLPClassifier
>>> X, y = load_iris(return_X_y=True)
>>> pipeline = make_pipeline(StandardScaler(), MLPClassifier((10,), max_iter=400, random_state=0)).fit(X, y)
>>> pipeline.score(X, y) > 0.95
True

What is an estimator: https://scikit-learn.org/stable/developers/develop.html.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.elsewhere import attributes_explained
from tinygrad_edu.errors import answers, arguments_explained, require_extra
from tinygrad_edu.nn import MLP, fit
from tinygrad_edu.nn.foreign_names import NETWORK
from tinygrad_edu.nn.optim import Adam
from tinygrad_edu.settings import entries, numbers, yes_or_no

if TYPE_CHECKING:
    from sklearn import base, metrics, preprocessing
    from sklearn.utils import multiclass, validation
else:
    base = require_extra("sklearn.base", extra="sklearn")
    metrics = require_extra("sklearn.metrics", extra="sklearn")
    multiclass = require_extra("sklearn.utils.multiclass", extra="sklearn")
    preprocessing = require_extra("sklearn.preprocessing", extra="sklearn")
    validation = require_extra("sklearn.utils.validation", extra="sklearn")

__all__ = ["LogisticRegression", "MLPClassifier", "MLPRegressor"]

answers(__name__, "tg.estimators", "tg.estimators.MLPClassifier(...).fit(X, y)")

Array = NDArray[Any]
Cost = Callable[[Any, Any], Any]
"""Of Z[L] and Y, both (n[L], m): the cost of each example, (1, m)."""


def _two_classes(Z: Any, Y: Any) -> Any:
    """The cross-entropy of σ(Z) with Y, exact at saturation. Course: L2."""
    return np.logaddexp(0.0, Z) - Y * Z


def _many_classes(Z: Any, Y: Any) -> Any:
    """The cross-entropy of softmax(Z) with Y, one-hot."""
    top = np.max(Z, axis=0, keepdims=True)
    log_sum = np.log(np.sum(np.exp(Z - top), axis=0, keepdims=True)) + top
    return log_sum - np.sum(Y * Z, axis=0, keepdims=True)


def _squares(Z: Any, Y: Any) -> Any:
    """Half the squared error, summed over the outputs."""
    return np.sum(np.square(Z - Y), axis=0, keepdims=True) / 2


_NUMBERS = (
    ("alpha", Real, np.nextafter(0.0, -1.0), "a number of 0 or more"),
    ("learning_rate_init", Real, 0.0, "a number above 0"),
    ("max_iter", Integral, 0.0, "a whole number of at least 1"),
)
_ELSEWHERE = {
    "C": "alpha= (scikit-learn's is 1 / alpha)",
    "penalty": "alpha=, of L2 regularisation",
    **dict.fromkeys(["lr", "learning_rate", "eta0"], "learning_rate_init="),
    **dict.fromkeys(["epochs", "n_iter", "max_iters"], "max_iter="),
    **dict.fromkeys(["hidden_layers", "hidden_sizes", "layers"], "hidden_layer_sizes="),
    "seed": "random_state=",
    "n_jobs": "tg.set_num_threads(n)",
    **dict.fromkeys(["solver", "optimizer"], "always Adam: leave it out, or train a tg.nn model with nn.fit"),
    **dict.fromkeys(
        ["tol", "early_stopping", "n_iter_no_change"], "max_iter=: training goes through all its epochs"
    ),
    "class_weight": "sample_weight= of fit",
    **dict.fromkeys(
        ["validation_fraction", "verbose", "shuffle", "momentum", "nesterovs_momentum", "beta_1", "beta_2",
         "epsilon", "max_fun", "power_t", "dual", "multi_class"],
        "no setting: leave it out, or train a tg.nn model with tg.nn.fit",
    ),
    "fit_intercept": "nothing: there is an intercept",
    "l1_ratio": "alpha=, of L2 regularisation",
    "loss": "nothing: half the squared error, or the cross-entropy",
}  # fmt: skip
"""What scikit-learn's and others' settings are here."""
_OF_FIT = {
    "class_weight": "sample_weight=sklearn.utils.class_weight.compute_sample_weight('balanced', y)",
    "weights": "sample_weight=",
    **dict.fromkeys(["epochs", "batch_size"], "a setting of the estimator: max_iter=, batch_size="),
}
"""Arguments of ``fit`` and ``partial_fit`` elsewhere."""


def _all_classes(classes: Any) -> Array:
    found = entries("partial_fit: classes", classes)
    if found.ndim != 1:
        raise ValueError(f"partial_fit: classes: expected all that there will be, [0, 1, 2], got {classes!r}")
    return found


class _Weighted:
    """A network whose examples have weights: the last row of its labels.

    J = Σ s L / Σ s + (alpha / 2 total) Σ ‖W[l]‖², total being the weight of all the examples.
    """

    example_axes = 1, 1

    def __init__(self, net: MLP, cost: Cost, alpha: float, total: float) -> None:
        self.net, self.cost, self.alpha, self.total = net, cost, alpha, total

    def parameters(self) -> dict[str, Tensor]:
        return self.net.parameters()

    def loss(self, X: Any, YS: Any) -> Any:
        s = YS[-1:]
        J = np.sum(s * self.cost(self.net(X), YS[:-1])) / np.sum(s)
        if self.alpha:
            W = [p for name, p in self.parameters().items() if name.startswith("W")]
            J = J + self.alpha / (2 * self.total) * sum(np.sum(np.square(w)) for w in W)
        return J


class _Network(base.BaseEstimator):  # type: ignore[misc]
    """What the three have in common: a network on standardised features, and Adam."""

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (100,),
        *,
        activation: str = "relu",
        alpha: float = 1e-4,
        batch_size: int | str | None = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        warm_start: bool = False,
        random_state: Any = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.random_state = random_state

    @property
    def _hidden(self) -> list[int]:
        sizes: Any = self.hidden_layer_sizes
        found = np.atleast_1d(np.asarray(sizes, dtype=None if np.size(sizes) else int))
        if found.ndim != 1 or found.dtype.kind not in "iu" or (found < 1).any():
            raise ValueError(
                f"hidden_layer_sizes: expected the units of each hidden layer, such as (20, 7), got {sizes!r}"
            )
        return [int(n) for n in found]

    def _checked(self, X: Any, y: Any, sample_weight: Any, *, first: bool, **options: Any) -> Any:
        """X, y and weights as arrays, or scikit-learn's own errors."""
        self._check_settings()
        X, y = validation.validate_data(self, X, y, reset=first, dtype=np.float64, **options)
        weights = validation._check_sample_weight(sample_weight, X, dtype=np.float64)
        if (weights < 0).any() or not weights.any():
            raise ValueError("sample_weight: expected weights of 0 or more, and at least one above 0")
        return X, y, weights

    def _check_settings(self) -> None:
        for name, kind, above, said in _NUMBERS:
            value: Any = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, kind) or not above < float(value) < np.inf:
                raise ValueError(f"{name}: expected {said}, got {value!r}")
        yes_or_no("warm_start", self.warm_start)
        try:
            validation.check_random_state(self.random_state)
        except ValueError as error:
            raise ValueError(f"random_state: {error}") from None

    def _train(self, X: Array, Y: Array, weights: Array, cost: Cost, *, go_on: bool, epochs: int) -> Self:
        """Y is (n[L], m). ``go_on`` keeps the network and the averages of the optimiser."""
        if not go_on or not hasattr(self, "network_"):
            rng = validation.check_random_state(self.random_state)
            self._scaler = preprocessing.StandardScaler().fit(X, sample_weight=weights)
            self._seed = int(rng.randint(2**31 - 1))
            sizes = [X.shape[1], *self._hidden, len(Y)]
            self.network_ = MLP(sizes, activation=self.activation, output="linear", seed=self._seed)
            self._adam = Adam(lr=self.learning_rate_init)
            self.n_iter_, self.loss_curve_ = 0, []
        used = weights > 0
        X, YS = self._scaler.transform(X)[used].T, np.vstack([Y, weights])[:, used]
        batch: Any = 200 if self.batch_size == "auto" else self.batch_size
        model = _Weighted(self.network_, cost, self.alpha, float(weights.sum()))
        history = fit(
            model,
            X,
            YS,
            optimizer=self._adam,
            epochs=epochs,
            batch_size=batch,
            seed=self._seed + self.n_iter_,
        )
        self.loss_curve_ += history.epoch_cost
        self.n_iter_ += epochs
        return self

    def _scores(self, X: Any) -> Array:
        """Z[L], (m, n[L])."""
        validation.check_is_fitted(self, "network_")
        X = validation.validate_data(self, X, reset=False, dtype=np.float64)
        return np.asarray(self.network_(self._scaler.transform(X).T).data).T


class _Classifier(base.ClassifierMixin, _Network):  # type: ignore[misc]
    """A network that answers with classes."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains on X (examples, features) and y, the class of each; ``warm_start`` goes on where it stands.

        Raises:
            ValueError: what scikit-learn's checks find in the data; settings out of range; one class only.
        """
        again = self.warm_start and hasattr(self, "network_")
        X, y, weights = self._checked(X, y, sample_weight, first=not again)
        multiclass.check_classification_targets(y)
        if not again:
            self.classes_ = np.unique(y[weights > 0])
        return self._on_classes(X, y, weights, go_on=again, epochs=self.max_iter)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One epoch on these examples. ``classes`` names all of them at the first call."""
        first = not hasattr(self, "network_")
        X, y, weights = self._checked(X, y, sample_weight, first=first)
        if first:
            if classes is None:
                raise ValueError("partial_fit: expected classes= at the first call: all that there will be")
            self.classes_ = np.unique(_all_classes(classes))
        return self._on_classes(X, y, weights, go_on=True, epochs=1)

    def _on_classes(self, X: Array, y: Array, weights: Array, *, go_on: bool, epochs: int) -> Self:
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size and (weights[np.isin(y, unknown)] > 0).any():
            raise ValueError(f"y: expected the classes {self.classes_}, got {unknown[0]} as well")
        if len(self.classes_) < 2:
            raise ValueError(
                f"y: expected at least two classes, got {len(self.classes_)} class: {self.classes_[0]}"
            )
        if len(self.classes_) == 2:
            Y, cost = (y == self.classes_[1:, None]) * 1.0, _two_classes
        else:
            Y, cost = (y == self.classes_[:, None]) * 1.0, _many_classes
        return self._train(X, Y, weights, cost, go_on=go_on, epochs=epochs)

    def decision_function(self, X: Any) -> Array:
        """Z[L]: (examples,) for two classes, above 0 for the second; else (examples, classes)."""
        Z = self._scores(X)
        return Z[:, 0] if len(self.classes_) == 2 else Z

    def predict_proba(self, X: Any) -> Array:
        """A[L]: the probability of each class, (examples, classes)."""
        Z = self._scores(X)
        if len(self.classes_) == 2:
            Z = np.hstack([np.zeros_like(Z), Z])
        powers = np.exp(Z - Z.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> Array:
        """The class of each example."""
        Z = self._scores(X)
        chosen = (Z[:, 0] > 0).astype(int) if len(self.classes_) == 2 else np.argmax(Z, axis=1)
        return np.asarray(self.classes_[chosen])


class LogisticRegression(_Classifier):
    """Logistic regression, for two classes or many, by gradient descent on the cross-entropy. Course: L12.

    Features are standardised inside, since gradient descent needs it; ``coef_`` and ``intercept_`` are those
    of the features as they were given.

    Args:
        alpha: λ of L2 regularisation, (λ / 2m) ‖w‖², of the standardised features: 1 / C of scikit-learn's.
        batch_size: examples an update; None takes all of them.
        learning_rate_init: Adam's.
        max_iter: epochs.
        warm_start: whether ``fit`` goes on from where the last one ended.
        random_state: of the initial weights and the order of the batches.

    >>> import numpy as np
    >>> X, y = np.array([[-2.0], [-1.0], [1.0], [2.0]]), ["no", "no", "yes", "yes"]
    >>> LogisticRegression().fit(X, y).predict([[3.0]])
    array(['yes'], dtype='<U3')
    """

    def __init__(
        self,
        *,
        alpha: float = 1.0,
        batch_size: int | str | None = None,
        learning_rate_init: float = 0.1,
        max_iter: int = 500,
        warm_start: bool = False,
        random_state: Any = None,
    ) -> None:
        super().__init__(
            (), alpha=alpha, batch_size=batch_size, learning_rate_init=learning_rate_init, max_iter=max_iter,
            warm_start=warm_start, random_state=random_state,
        )  # fmt: skip

    @property
    def coef_(self) -> Array:
        """The weights of the features, (1, features) for two classes, else (classes, features)."""
        validation.check_is_fitted(self, "network_")
        return np.asarray(self.network_.parameters()["W1"].data / self._scaler.scale_)

    @property
    def intercept_(self) -> Array:
        """The biases, (1,) or (classes,)."""
        return np.asarray(self.network_.parameters()["b1"].data[:, 0] - self.coef_ @ self._scaler.mean_)


class MLPClassifier(_Classifier):
    """A fully connected network that classifies: the course's L-layer network. X is (examples, features).

    Args:
        hidden_layer_sizes: n[1], ..., n[L-1].
        activation: of the hidden layers: relu, tanh, sigmoid, leaky_relu or linear.
        alpha: λ of L2 regularisation, (λ / 2m) Σ ‖W[l]‖².
        batch_size: examples an update; "auto" is 200, or all where there are fewer.
        learning_rate_init: Adam's.
        max_iter: epochs.
        warm_start: whether ``fit`` goes on from where the last one ended.
        random_state: of the initial weights and the order of the batches.

    >>> import numpy as np
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
    >>> MLPClassifier((8,), learning_rate_init=0.1, random_state=1).fit(X, y).predict(X)
    array([0, 1, 1, 0])
    """


class MLPRegressor(base.RegressorMixin, _Network):  # type: ignore[misc]
    """A fully connected network that answers with numbers, by half the squared error. Course: L3.

    Arguments are those of :class:`MLPClassifier`. y is (examples,) or (examples, outputs), and standardised
    inside.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 50)[:, None]
    >>> model = MLPRegressor((20,), learning_rate_init=0.01, random_state=0).fit(x, x[:, 0] ** 2)
    >>> model.score(x, x[:, 0] ** 2) > 0.98
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Trains on X (examples, features) and y; with ``warm_start`` from where it stands."""
        return self._on_numbers(
            X, y, sample_weight, go_on=self.warm_start and hasattr(self, "network_"), epochs=self.max_iter
        )

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch on these examples."""
        return self._on_numbers(X, y, sample_weight, go_on=hasattr(self, "network_"), epochs=1)

    def _on_numbers(self, X: Any, y: Any, sample_weight: Any, *, go_on: bool, epochs: int) -> Self:
        X, y, weights = self._checked(X, y, sample_weight, first=not go_on, multi_output=True, y_numeric=True)
        if y.ndim == 2 and y.shape[1] == 1:
            y = validation.column_or_1d(y, warn=True)
        Y = numbers("y", y).astype(np.float64).reshape(len(y), -1)
        if not go_on:
            self._numbers = preprocessing.StandardScaler().fit(Y, sample_weight=weights)
            self._single = np.ndim(y) == 1
        return self._train(X, self._numbers.transform(Y).T, weights, _squares, go_on=go_on, epochs=epochs)

    def predict(self, X: Any) -> Array:
        """The answer to each example."""
        found = np.asarray(self._numbers_of(self._scores(X)))
        return found[:, 0] if self._single else found

    def _numbers_of(self, Z: Array) -> Array:
        return np.asarray(self._numbers.inverse_transform(Z))


for _network in (_Classifier, MLPRegressor):
    for _name in ("fit", "partial_fit"):
        setattr(_network, _name, arguments_explained(getattr(_network, _name), _OF_FIT))
for _kind in (LogisticRegression, MLPClassifier, MLPRegressor):
    arguments_explained(_kind, _ELSEWHERE)
    attributes_explained(_kind, NETWORK)
