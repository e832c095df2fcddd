"""Index arrays of the caller's (labels, words, masks) are arguments of the source, and tell m."""

import numpy as np
import pytest

import tinygrad_edu as tg

rng = np.random.default_rng(0)


def gradients(derivation, **arguments):
    space = {}
    exec(derivation.numpy_source(), space)
    return space["gradients"](**arguments)


def classes(W, b, X, y):
    """The usual softmax cost in rows, with whole numbers as labels."""
    scores = X @ W + b
    exps = np.exp(scores - np.max(scores, axis=1, keepdims=True))
    probabilities = exps / np.sum(exps, axis=1, keepdims=True)
    return -np.sum(np.log(probabilities[np.arange(len(y)), y])) / len(y)


def words_to_classes(E, W, words, y):
    scores = E[words] @ W
    return np.mean(np.log(np.sum(np.exp(scores), axis=1)) - scores[np.arange(len(words)), y])


def windows(E, words):
    """A mean of three words each."""
    return np.mean(np.tanh(np.mean(E[words], axis=1)) ** 2)


def flattened(W, X):
    """Images as rows of pixels."""
    return np.mean(np.tanh(np.reshape(X, (len(X), -1)) @ W))


CASES = {
    "labels": (
        classes, {"W": (3, 4), "b": (4,)},
        lambda m: {"X": rng.normal(size=(m, 3)), "y": rng.integers(0, 4, m)},
    ),
    "words": (
        words_to_classes, {"E": (7, 3), "W": (3, 2)},
        lambda m: {"words": rng.integers(0, 7, m), "y": rng.integers(0, 2, m)},
    ),
    "windows": (windows, {"E": (7, 3)}, lambda m: {"words": rng.integers(0, 7, (m, 3))}),
    "flattened": (flattened, {"W": (6, 2)}, lambda m: {"X": rng.normal(size=(m, 2, 3))}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_source_serves_other_labels_and_another_number_of_examples(case):
    cost, shapes, data = CASES[case]
    parameters = {name: tg.Tensor(rng.normal(size=shape), name=name) for name, shape in shapes.items()}
    own = data(6)
    y, words = own.get("y"), own.get("words")  # as a caller's variables
    if "X" in own:
        own["X"] = tg.Tensor(own["X"], requires_grad=False, name="X")
    derivation = tg.derive(cost(**parameters, **own), list(parameters))
    del y, words
    for m in (6, 4, 11):
        other = data(m)
        right = tg.grad(cost(**parameters, **other), list(parameters.values()))
        found = gradients(derivation, **{k: v.data for k, v in parameters.items()}, **other)
        for name, expected in zip(parameters, right, strict=True):
            np.testing.assert_allclose(found[f"d{name}"], expected.data, rtol=1e-10, atol=1e-14)


def test_a_formula_says_the_index_by_name():
    E, words = tg.Tensor(rng.normal(size=(7, 3)), name="E"), np.array([1, 2, 1])
    H = E[words]
    derivation = tg.derive(np.sum(H**2), ["E"])
    assert derivation["H"].formula == "H = E[words]"


def test_two_equal_index_arrays_are_two_arguments():
    E, ours, theirs = tg.Tensor(rng.normal(size=(7, 3)), name="E"), np.array([1, 2]), np.array([1, 2])
    derivation = tg.derive(np.sum(E[ours] * E[theirs]), ["E"])
    other = {"E": E.data, "ours": np.array([0, 3]), "theirs": np.array([4, 4])}
    (right,) = tg.grad(np.sum(E[other["ours"]] * E[other["theirs"]]), [E])
    np.testing.assert_allclose(gradients(derivation, **other)["dE"], right.data, rtol=1e-12)


def test_a_number_that_the_code_writes_is_not_twice_m():
    X, w = rng.normal(size=(3, 7)), tg.Tensor(rng.normal(size=(1, 3)), name="w")
    J = np.mean((w @ X) ** 2) + 14 * np.sum(w**2)
    other = rng.normal(size=(3, 4))
    (right,) = tg.grad(np.mean((w @ other) ** 2) + 14 * np.sum(w**2), [w])
    found = gradients(tg.derive(J, ["w"]), X=other, w=w.data)["dw"]
    np.testing.assert_allclose(found, right.data, rtol=1e-12)


def test_a_decimal_out_of_sight_is_one_over_m_only_where_it_divides_the_cost():
    class Model:
        def penalised(self, w, X):
            return np.mean((w @ X) ** 2) + 0.1 * np.sum(w**2)

        def averaged(self, w, X):
            m = X.shape[1]
            return 1 / m * np.sum((w @ X) ** 2)

    w, X, other = (
        tg.Tensor(rng.normal(size=(1, 3)), name="w"),
        rng.normal(size=(3, 10)),
        rng.normal(size=(3, 4)),
    )
    for cost in (Model().penalised, Model().averaged):
        (right,) = tg.grad(cost(w, other), [w])
        found = gradients(tg.derive(cost(w, X), ["w"]), X=other, w=w.data)["dw"]
        np.testing.assert_allclose(found, right.data, rtol=1e-12)
