"""tg.define: users' own operations stand beside the built-in ones, and a wrong rule is caught at once."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.autodiff.definition import _withdraw
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import NUMPY, OPS, RECORD


@pytest.fixture(autouse=True)
def _tables_as_before():
    before = set(OPS)
    yield
    for name in set(OPS) - before:
        _withdraw(OPS[name])


def define_cube(rule=lambda g, y, x: 3 * g * x**2, **facts):
    @tg.define(pullback=rule, name="test_cube", **facts)
    def cube(x):
        """x³, entry by entry."""
        return x * x * x

    return cube


X = np.array([[1.0, -2.0], [0.5, 3.0]])

# the standing of a built-in one


def test_it_differentiates_to_any_order():
    cube = define_cube()
    assert tg.func.grad(cube)(2.0) == 12.0
    assert tg.func.grad(tg.func.grad(tg.func.grad(cube)))(2.0) == 6.0


def test_on_plain_arrays_it_is_the_function():
    assert type(define_cube()(X)) is np.ndarray


def test_broadcasting_is_undone_for_the_rule():
    @tg.define(pullback=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a), name="test_times")
    def times(a, b):
        return a * b

    a, b = tg.Tensor(X), tg.Tensor([2.0, 3.0])
    times(a, b).sum().backward()
    np.testing.assert_array_equal(b.grad, X.sum(axis=0))


def test_it_is_named_drawn_and_written_out():
    x = tg.Tensor(2.0, name="x")
    J = define_cube(latex=r"{x}^3", label="x³")(x)
    assert J.op.name == "test_cube"
    assert J.op.label == "x³"
    assert "test_cube x" in str(tg.Program.of(J))
    assert define_cube().latex == r"\operatorname{{test\_cube}}({x})"


def test_it_answers_to_the_numpy_function_that_it_names(monkeypatch):
    monkeypatch.delitem(NUMPY, np.sinc, raising=False)
    with pytest.raises(TypeError, match=r"np\.sinc .*tg\.define"):
        np.sinc(tg.Tensor(0.5))

    @tg.define(
        pullback=lambda g, y, x: g * (np.cos(np.pi * x) - y) / x,
        domain=(0.3, 2.0),
        name="test_sinc",
        numpy=np.sinc,
    )
    def sinc(x):
        return np.sinc(x)

    assert isinstance(np.sinc(tg.Tensor(0.5)), tg.Tensor)


def test_settings_go_to_function_and_rule():
    @tg.define(
        pullback=lambda g, y, x, *, power=2: g * power * x ** (power - 1),
        samples=[(X, {"power": 3}), (X,)], kind="elementwise", name="test_power",
    )  # fmt: skip
    def raised(x, *, power=2):
        return x**power

    assert tg.func.grad(lambda x: raised(x, power=3))(2.0) == 12.0
    assert tg.func.grad(raised)(2.0) == 4.0


def test_a_rule_may_leave_its_gradient_narrow():
    @tg.define(
        pullback=lambda g, y, x: g * 2.0, samples=[Sample(((2, 3),)), Sample(((2, 1, 3),))], kind="reduction",
        name="test_total",
    )  # fmt: skip
    def total(x):
        return 2.0 * np.sum(x, axis=0)

    x = tg.Tensor(X)
    total(x).sum().backward()
    np.testing.assert_array_equal(x.grad, np.full((2, 2), 2.0))


def test_samples_that_fit_together():
    @tg.define(
        pullback=(lambda g, y, A, b: np.outer(g, b), lambda g, y, A, b: A.T @ g),
        samples=[(np.ones((3, 2)), np.array([1.0, 2.0]))], kind="contraction", name="test_product",
    )  # fmt: skip
    def product(A, b):
        return A @ b

    np.testing.assert_array_equal(tg.func.grad(lambda A: product(A, [1.0, 2.0]).sum())(X), [[1, 2], [1, 2]])


def test_any_number_of_inputs():
    @tg.define(pullback=lambda k, g, y, *xs: g * (k + 1), samples=[(X, X + 1, X)], name="test_weighted")
    def weighted(*xs):
        return sum((k + 1) * x for k, x in enumerate(xs))

    a, b = tg.Tensor(1.0), tg.Tensor(1.0)
    weighted(a, b).backward()
    assert (a.grad, b.grad) == (1.0, 2.0)


def test_an_input_without_a_gradient_and_integers():
    @tg.define(
        pullback=(lambda g, y, x, k: g * k, None),
        samples=[(X, np.array([[1, 2], [3, 4]]))], kind="elementwise", name="test_scaled",
    )  # fmt: skip
    def scaled(x, k):
        return x * k

    assert tg.func.grad(lambda x: scaled(x, 3))(2.0) == 3.0


def test_a_rule_may_be_constant():
    @tg.define(pullback=lambda g, y, x: np.zeros(x.shape), domain=(0.1, 0.9), name="test_floor")
    def floor(x):
        return np.floor(x)

    x = tg.Tensor([0.5, 1.5])
    (slope,) = tg.grad(floor(x).sum(), [x], create_graph=True)
    assert isinstance(slope, tg.Tensor)
    assert slope.tolist() == [0.0, 0.0]


def test_it_pickles_by_its_name():
    cube = define_cube()
    assert pickle.loads(pickle.dumps(cube)) is cube


def test_a_cell_may_be_run_again():
    first, second = define_cube(), define_cube()
    assert OPS["test_cube"] is second
    assert first is not second


def test_a_sample_of_many_entries_is_tried_at_some():
    calls = []

    @tg.define(pullback=lambda g, y, x: 2 * g * x, samples=[(np.ones((99, 99)),)], order=1, name="test_large")
    def squared(x):
        calls.append(1)
        return x * x

    assert len(calls) < 200


# wrong rules


def refused(rule, match, **facts):
    with pytest.raises(ValueError, match=match):
        define_cube(rule, **facts)
    assert "test_cube" not in OPS
    assert "test_cube" not in RECORD


def test_a_wrong_factor_names_the_entry_and_both_numbers():
    refused(
        lambda g, y, x: 2 * g * x**2,
        r"test_cube: the rule for x is wrong at x\[0, 0\] = [-0-9.]+: "
        r"expected [-0-9.e]+ \(by central differences of Σ g y\), got [-0-9.e]+\. At sample 0: x \(3, 4\)\.",
    )


def test_the_numbers_in_the_message_are_the_two_derivatives():
    with pytest.raises(ValueError, match="central differences") as caught:
        define_cube(lambda g, y, x: 2 * g * x**2, samples=[(np.array(2.0),)], kind="elementwise")
    expected, got = (float(n) for n in re.findall(r"(?:expected|got) ([0-9.]+[0-9])", str(caught.value)))
    np.testing.assert_allclose(got / expected, 2 / 3, rtol=1e-4)


@pytest.mark.parametrize("factor", [2.999, 3.001, -3.0, 0.0])
def test_a_small_error_is_found(factor):
    refused(lambda g, y, x: factor * g * x**2, "the rule for x is wrong")


def test_one_wrong_entry_is_found_and_named():
    at = (np.arange(12) == 7).reshape(3, 4)
    refused(
        lambda g, y, x: 3 * g * x**2 * np.where(at, 2.0, 1.0),
        r"at x\[1, 3\]",
        samples=[(np.ones((3, 4)) * 2,)],
        order=1,
    )


def test_the_operand_that_is_wrong_is_named():
    with pytest.raises(ValueError, match=r"the rule for b is wrong at b\[0, 0\]"):

        @tg.define(pullback=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * b), name="test_times")
        def times(a, b):
            return a * b


def test_the_input_of_any_number_that_is_wrong_is_named():
    with pytest.raises(ValueError, match=r"the rule for xs\[1\] is wrong at xs\[1\]\[0, 0\]"):

        @tg.define(pullback=lambda k, g, y, *xs: g * (1 - k), samples=[(X, X)], name="test_weighted")
        def total(*xs):
            return xs[0] + xs[1]


def test_a_rule_that_is_right_only_on_arrays_is_found():
    refused(
        lambda g, y, x: 3 * g * x._data**2 if hasattr(x, "_data") else 3 * g * x**2,
        "derivative of the rule for x",
    )


def test_a_rule_that_forgets_g_s_dependence_is_found():
    refused(lambda g, y, x: 3 * x**2, "the rule for x is wrong")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (lambda g, y, x: g * x.nothing, "the rule for x fails: AttributeError"),
        (lambda g, y, x: np.ones((5, 7)), r"the rule for x fails: ValueError.*\(3, 4\)"),
        (
            lambda g, y, x: g * np.trim_zeros(x[:, 0]).size / 3 * 3 * x**2,
            "not on Tensors.*trim_zeros.*order=1",
        ),
        (lambda g, y, x: 3 * g * x**2 if np.sum(x) < 50 else g, "not on Tensors.*asks for a value"),
        (lambda g, y, x: np.multiply(3 * g, x**2, out=x), "the rule for x fails: ValueError.*read-only"),
    ],
)
def test_a_rule_that_fails_says_how(rule, said):
    refused(rule, said)


def test_order_one_is_content_with_arrays():
    cube = define_cube(lambda g, y, x: 3 * g * x**2 if np.all(x < 5) else g, order=1)
    assert tg.func.grad(cube)(2.0) == 12.0


# wrong definitions


def attempt(function, pullback=lambda g, y, x: g, **facts):
    tg.define(pullback=pullback, **{"name": "test_it", **facts})(function)


@pytest.mark.parametrize(
    ("attempted", "error", "said"),
    [
        (lambda: attempt(lambda x: -x, name="tanh"), ValueError, "already is an operation 'tanh'"),
        (lambda: attempt(lambda x: x, numpy=np.exp), ValueError, "np.exp already has a rule: tg.exp"),
        (lambda: attempt(lambda a, b: a + b), TypeError, "a pullback for each of"),
        (lambda: attempt(lambda x: 1.0 * np.log(x), domain=(-2, -1)), ValueError, "(?s)finite.*domain"),
        (lambda: attempt(lambda x: x > 0), ValueError, "expected finite floating-point values"),
        (lambda: attempt(lambda x: x.nothing), ValueError, "the function fails: AttributeError"),
        (lambda: attempt(lambda x: x.__iadd__(1.0)), ValueError, "the function fails.*read-only"),
        (lambda: attempt(lambda x: x, kind="movement"), ValueError, "needs samples"),
        (lambda: attempt(np.negative), TypeError, "written in Python, got ufunc"),
        (lambda: tg.define(lambda x: x), TypeError, "expected the derivative rule, as in @tg.define"),
        (lambda: tg.define(name="test_it"), TypeError, "expected the derivative rule, as in @tg.define"),
        (
            lambda: attempt(lambda x: x, latex=r"\mathrm{f}({x})"),
            ValueError,
            r"\{f\} is none of its inputs; .*\{x\}",
        ),
        (lambda: attempt(lambda x: x, latex=r"\sqrt{{x}"), ValueError, "Single '}'.*doubled"),
        (lambda: attempt(lambda x: x, samples=[[1.0]]), TypeError, "tuples of arrays, got list"),
    ],
)
def test_errors_say_what_was_expected(attempted, error, said):
    with np.errstate(all="ignore"), pytest.raises(error, match=said):
        attempted()
    assert "test_it" not in OPS
