"""Pictures of training say what was given: curves, regions, paths and slopes."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.nn import plots

pytest.importorskip("matplotlib", reason="needs the extra 'plot'")


def lines(axes):
    return [np.asarray(line.get_xydata()) for line in axes.lines]


def test_costs_has_a_curve_for_each_run():
    histories = {"a": tg.nn.History(cost=[3.0, 2.0, 1.5]), "b": tg.nn.History(cost=[3.0, 2.9])}
    (axes,) = plots.costs(histories).axes
    assert [line[:, 1].tolist() for line in lines(axes)] == [[3.0, 2.0, 1.5], [3.0, 2.9]]


def test_a_decision_boundary_of_a_trained_model_has_every_example():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2, 40))
    Y = (X[:1] * X[1:] > 0) * 1.0
    model = tg.nn.MLP([2, 4, 1], activation="tanh", seed=0)
    tg.nn.fit(model, X, Y, optimizer=tg.optim.SGD(lr=0.1), epochs=3)
    (axes,) = plots.decision_boundary(model, X, Y).axes
    np.testing.assert_array_equal(axes.collections[-1].get_offsets(), X.T)


def test_a_decision_boundary_of_one_hot_labels():
    X, Y = np.array([[0.0, 1.0, 2.0], [0.0, 1.0, 0.0]]), np.eye(3)
    (axes,) = plots.decision_boundary(
        lambda X: np.eye(3)[:, np.clip(X[0].round().astype(int), 0, 2)], X, Y
    ).axes
    assert axes.collections[-1].get_array().tolist() == [0, 1, 2]


def test_descent_draws_the_steps_on_the_contour_and_on_the_surface():
    steps = [(2.0, 1.0), (1.0, 0.5), (0.5, 0.2)]
    flat, solid = plots.descent(lambda w, b: w**2 + b**2, steps).axes
    np.testing.assert_array_equal(lines(flat)[0], steps)
    np.testing.assert_allclose(solid.lines[0].get_data_3d()[2], [5.0, 1.25, 0.29])


def test_the_slope_of_a_tangent_is_the_derivative():
    (axes,) = plots.tangents(lambda w: w**3, [1.0, 2.0]).axes
    slopes = [np.diff(line[:, 1]) / np.diff(line[:, 0]) for line in lines(axes)[1:3]]
    np.testing.assert_allclose(np.ravel(slopes), [3.0, 12.0])


def test_weights_are_the_rows_as_images():
    W = tg.Tensor(np.arange(8.0).reshape(2, 4))
    first, second = plots.weights(W, (2, 2)).axes
    np.testing.assert_array_equal(second.images[0].get_array(), [[4.0, 5.0], [6.0, 7.0]])
    assert first.get_title() == "unit 1"


def test_the_slope_beneath_an_activation_is_its_derivative():
    value, slope = plots.activations(names=("sigmoid",)).axes
    a = lines(value)[0][:, 1]
    np.testing.assert_allclose(lines(slope)[0][:, 1], a * (1 - a))


def test_gradient_norms_are_the_norms():
    (axes,) = plots.gradient_norms([{"W1": np.array([3.0, 4.0])}, {"W1": np.array([0.0, 2.0])}]).axes
    assert lines(axes)[0][:, 1].tolist() == [5.0, 2.0]


def test_a_picture_is_saved(tmp_path):
    plots.activations(tmp_path / "slopes.png")
    assert (tmp_path / "slopes.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plots.costs({}), "costs: expected histories of training, got none"),
        (lambda: plots.costs({"a": tg.nn.History()}), r"costs: .*got \['a'\] without an update"),
        (lambda: plots.decision_boundary(None, np.ones((3, 5)), np.ones(5)), r"\(2, m\), got \(3, 5\)"),
        (lambda: plots.descent(lambda w, b: w, [1.0, 2.0]), r"descent: expected pairs \(w, b\)"),
        (lambda: plots.tangents(lambda w: w, [np.nan]), "tangents: expected finite numbers"),
        (lambda: plots.weights(np.ones((2, 5)), (2, 2)), "weights: expected rows of 4 weights"),
        (lambda: plots.activations(names=("swish",)), "expected names of sigmoid, .*got 'swish'"),
        (lambda: plots.gradient_norms([]), "gradient_norms: expected the gradients of at least one update"),
    ],
)  # fmt: skip
def test_bad_input_is_answered(call, said):
    with pytest.raises(ValueError, match=said):
        call()
