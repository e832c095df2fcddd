"""no_grad and scope: blocks and decorators that leave things as they found them."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.mode import apart, surroundings


@pytest.fixture
def w():
    return tg.Tensor([1.0, 2.0])


def test_nothing_is_recorded_inside(w):
    with tg.no_grad():
        u = np.exp(w * 2.0)
    assert isinstance(u, tg.Tensor)
    assert not u.requires_grad
    assert u.op is None
    assert u.inputs == ()
    w.data[0] = 5.0  # and nothing is locked


def test_recording_goes_on_afterwards(w):
    with tg.no_grad():
        pass
    assert (w * 2.0).requires_grad


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, StopIteration])
def test_an_exception_ends_the_block(w, error):
    with pytest.raises(error), tg.no_grad():
        raise error
    assert (w * 2.0).requires_grad


def test_blocks_nest(w):
    with tg.no_grad():
        with tg.no_grad():
            pass
        assert not (w * 2.0).requires_grad
    assert (w * 2.0).requires_grad


def test_one_block_can_be_entered_again(w):
    block = tg.no_grad()
    with block, block:
        assert not (w * 2.0).requires_grad
    with block:
        assert not (w * 2.0).requires_grad
    assert (w * 2.0).requires_grad


def test_as_a_decorator(w):
    @tg.no_grad()
    def predict(x, *, times):
        """Doubles."""
        return x * times

    assert not predict(w, times=2.0).requires_grad
    assert (w * 2.0).requires_grad
    assert (predict.__name__, predict.__doc__) == ("predict", "Doubles.")


def test_a_decorated_function_that_raises_or_recurses(w):
    @tg.no_grad()
    def down(n):
        if n == 0:
            raise LookupError
        assert not (w * 2.0).requires_grad
        down(n - 1)

    with pytest.raises(LookupError):
        down(5)
    assert (w * 2.0).requires_grad


def test_what_was_recorded_before_can_be_differentiated_inside(w):
    J = np.sum(w * w)
    with tg.no_grad():
        J.backward()
    np.testing.assert_array_equal(w.grad, [2.0, 4.0])


def test_higher_derivatives_are_recorded_inside(w):
    J = np.sum(w**3)
    with tg.no_grad():
        (slope,) = tg.grad(J, [w], create_graph=True)
    (second,) = tg.grad(np.sum(slope), [w])
    np.testing.assert_array_equal(second, [6.0, 12.0])


def test_a_result_made_inside_has_no_gradient(w):
    with tg.no_grad():
        J = np.sum(w * w)
    with pytest.raises(RuntimeError, match="no_grad"):
        J.backward()


def test_a_detached_tensor_is_a_constant(w):
    u = (w * 2.0).detach()
    np.sum(u * w).backward()
    np.testing.assert_array_equal(w.grad, [2.0, 4.0])


def test_scopes_nest_and_end(w):
    with tg.scope("outer"):
        with tg.scope("inner"):
            u = w * 2.0
        v = w * 2.0
    assert (u.scope, v.scope, (w * 2.0).scope) == (("outer", "inner"), ("outer",), ())


def test_a_scope_as_a_decorator(w):
    @tg.scope("layer 1")
    def layer(x):
        return x * 2.0

    assert layer(w).scope == ("layer 1",)


def test_scope_and_no_grad_together(w):
    with tg.scope("layer 1"), tg.no_grad():
        assert not (w * 2.0).requires_grad
    with tg.no_grad(), tg.scope("layer 1"):
        assert not (w * 2.0).requires_grad


def test_recorded_backward_passes_stand_in_the_scope_of_what_they_differentiate(w):
    with tg.scope("layer 1"):
        J = np.sum(w * w)
    with tg.scope("elsewhere"):
        (slope,) = tg.grad(J, [w], create_graph=True)
        assert (w * 2.0).scope == ("elsewhere",)
    assert slope.scope == ("layer 1",)


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_scope_needs_a_name(name):
    with pytest.raises(TypeError, match="non-empty name"):
        tg.scope(name)


def test_a_setting_counts_as_long_as_its_block_exists(w):
    """An interrupt can come between any two lines of ``__enter__`` and ``__exit__``."""
    with tg.scope("outer"):
        tg.no_grad().__enter__()  # nobody holds the block, and nobody will end it
        assert (w * 2.0).requires_grad
        assert (w * 2.0).scope == ("outer",)
    assert surroundings() is None


def test_outside_of_every_block_for_the_time_of_a_call(w):
    def inside():
        tg.scope("left open").__enter__()
        return (w * 2.0).requires_grad

    with tg.no_grad():
        assert apart(inside)
        assert not (w * 2.0).requires_grad
    assert (w * 2.0).scope == ()
