"""Ctrl-C at any line comes through, leaves nothing locked or switched over, and the work can be done again.

A ``KeyboardInterrupt`` is raised at one line of the package after another, by a trace function. Where a run
is long, a sample is taken of the lines of the source, where each comes first and where it comes last; with
``EVERY_LINE=1`` in the environment all of them, which takes minutes.
"""

from __future__ import annotations

import gc
import inspect
import os
import sys

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.compiler.trace import naming
from tinygrad_edu.core import guard
from tinygrad_edu.core.mode import surroundings
from tinygrad_edu.nn.dropout import Dropout

from .interrupts import Place, each_once, every, interrupted, lines_of

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((3, 6)), (rng.random((1, 6)) > 0.5) * 1.0
EVERY_LINE = bool(os.environ.get("EVERY_LINE"))


@pytest.fixture(autouse=True)
def _nothing_is_swallowed(monkeypatch):
    """What is raised in a finaliser is lost. (That a file was closed late is only said there.)"""
    swallowed = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: swallowed.append(lost.exc_type))
    yield
    assert set(swallowed) <= {ResourceWarning}


def left_as_it_was():
    """Nothing that one run leaves behind changes the next."""
    w = tg.Tensor([2.0])
    u = w * 3.0
    assert (u.requires_grad, u.scope, surroundings()) == (True, (), None)
    del u
    assert np.geterr() == {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
    assert Dropout(0.5, seed=1)(X) is X, "fit has ended, and the model still computes as in training"
    return True


def newly_locked(before):
    """The arrays that are locked now and were not before; what only waits for the collector is none."""
    if set(guard._held) <= before:
        return set()
    gc.collect()
    return set(guard._held) - before


def wrong_lines(run, places, check=lambda: True):
    """The places at which an interrupt doesn't come out, or after which something isn't as it should be.

    ``run()`` makes what it needs, and gives a function to trace and what has to be writable after it.
    """
    wrong = []
    reached = 0
    for place in places:
        traced, writable = run()
        before = set(guard._held)
        came_there, came_out = interrupted(traced, place)
        if not came_there:  # a later run may be shorter than the first, by what is kept between calls
            continue
        reached += 1
        try:
            assert came_out, "the interrupt was swallowed"
            assert left_as_it_was()
            assert not newly_locked(before), "an array is still locked"
            for tensor in writable:
                tensor.data[...] += 0.0
            assert check()
        except (AssertionError, ValueError) as error:
            wrong.append((place, str(error).splitlines()[0]))
            np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")  # each for itself
    assert reached > 0.8 * len(places)
    return wrong


def total(run):
    """The lines of a run that finds kept what an earlier one left, as all those that are interrupted do."""
    run()[0]()
    return lines_of(run()[0])


def sampled(lines, of=50, *, rooms=None):
    """So many of the lines, where they come first and last, evenly over the run: the same in every run."""
    places = each_once(lines, rooms=rooms)
    return places if EVERY_LINE else places[:: max(1, len(places) // of)]


# a student's step


def student():
    W1, b1 = tg.Tensor(np.ones((4, 3)) / 3, name="W1"), tg.Tensor(np.zeros((4, 1)), name="b1")
    W2, b2 = tg.Tensor(np.ones((1, 4)) / 4, name="W2"), tg.Tensor(0.0, name="b2")
    parameters = [W1, b1, W2, b2]

    def step():
        with tg.scope("layer 1"):
            A1 = np.tanh(W1 @ X + b1)
        A2 = tg.sigmoid(W2 @ A1 + b2)
        J = -np.mean(Y * np.log(A2) + (1 - Y) * np.log(1 - A2))
        J.backward()
        with tg.no_grad():
            for p in parameters:
                p -= 0.5 * p.grad
        return J

    return step, parameters


def second_order():
    w = tg.Tensor([1.0, 2.0, 3.0], name="w")

    def step():
        with tg.scope("outer"):
            (slope,) = tg.grad(np.sum(w**3), [w], create_graph=True)
            tg.grad(np.sum(slope[:2] * slope[1:]), [w])
        tg.func.hessian(lambda v: np.sum(v**3))(w.data)

    return step, [w]


def with_a_view_and_a_copy():
    w = tg.Tensor(np.ones((2, 3)), name="w")
    mine = w.data

    def step():
        J = np.sum(np.concatenate([w, w * 2.0]) ** 2) + np.max(w) + w[0, 1:].sum()
        J.backward()
        w.data -= 0.1 * w.grad
        w.zero_grad()

    return step, [w, tg.Tensor(mine)]


@pytest.mark.parametrize("run", [student, second_order, with_a_view_and_a_copy])
def test_every_line_of_a_step(run):
    lines = total(run)
    assert len(lines) > 300
    assert wrong_lines(run, every(lines) if run is student else each_once(lines)) == []


# fit, with a checkpoint


class Training:
    """Three epochs in two batches each, with a checkpoint after each, to interrupt and to go on with."""

    def __init__(self, folder, *, compiled):
        self.path, self.compiled = folder / "checkpoint.npz", compiled
        self()[0]()
        self.wanted = [p.numpy() for p in self.model.parameters().values()]

    def __call__(self):
        self.path.unlink(missing_ok=True)
        self.model = tg.nn.MLP([3, 2, 1], seed=1)
        self.optimizer = tg.optim.Momentum(lr=0.1)
        return self.fit, self.model.parameters().values()

    def fit(self):
        tg.nn.fit(
            self.model, X, Y, optimizer=self.optimizer, epochs=3, batch_size=4, checkpoint=self.path,
            resume=True, progress=False, compile=self.compiled,
        )  # fmt: skip

    def the_same_in_the_end(self):
        """Called again with the same words, it goes on from the checkpoint, to the same result."""
        if not self.path.exists():
            self()
        self.fit()
        found = [p.numpy() for p in self.model.parameters().values()]
        return all(map(np.array_equal, found, self.wanted))


@pytest.mark.slow
@pytest.mark.parametrize("compiled", [False, True])
def test_lines_of_a_fit(compiled, tmp_path):
    run = Training(tmp_path, compiled=compiled)
    lines = total(run)
    places = sampled(lines) if compiled else sampled(lines, 150, rooms={"nn", "export"})
    assert wrong_lines(run, places, run.the_same_in_the_end) == []


# a compiled step


def loss(params, X, Y):
    return np.mean((np.tanh(params["W"] @ X) * params["v"] - Y) ** 2)


class Compiled:
    """Two calls of a step: one that records it, and one that runs it."""

    def __init__(self):
        self.wanted = self.of(tg.compile(loss))

    def of(self, step):
        J, gradients = step({"W": np.full((1, 3), 0.5), "v": np.ones((1, 1))}, X, Y)
        return J, gradients["W"].tolist(), gradients["v"].tolist()

    def __call__(self):
        self.step = tg.compile(loss)
        parameters = {"W": tg.Tensor(np.full((1, 3), 0.5)), "v": tg.Tensor(np.ones((1, 1)))}

        def twice():
            self.step(parameters, X, Y)
            self.step(parameters, X, Y)

        return twice, parameters.values()

    def the_same_again(self):
        return self.of(self.step) == self.wanted


@pytest.mark.slow
def test_lines_of_a_compiled_step():
    run = Compiled()
    assert wrong_lines(run, sampled(total(run)), run.the_same_again) == []


def test_an_interrupt_before_the_profile_is_taken_away_leaves_none():
    """It lets go of itself at the next call, and of what it has seen."""
    source, first = inspect.getsourcelines(naming.__wrapped__)
    last = max(k for k, line in enumerate(source) if "sys.setprofile(None)" in line)
    place = Place((naming.__wrapped__.__code__.co_filename, first + last), 1)
    assert wrong_lines(Compiled(), [place]) == []
    assert sys.getprofile() is None


# a comparison


class Comparison:
    """A logistic regression with one right gradient and one without 1/m."""

    def __init__(self):
        traced, _ = self()
        self.wanted = traced()

    def __call__(self):
        W, b = tg.Tensor(np.full((1, 3), 0.1), name="W"), tg.Tensor(np.zeros((1, 1)), name="b")

        def compare():
            A = tg.sigmoid(W @ X + b)
            J = tg.binary_cross_entropy(A, Y)
            dZ = A.numpy() - Y
            return str(tg.check.compare(J, {"dW": dZ @ X.T, "db": dZ.mean(axis=1, keepdims=True)}))

        self.again = compare
        return compare, [W, b]

    def the_same_again(self):
        return self.again() == self.wanted


@pytest.mark.slow
def test_lines_of_a_comparison():
    run = Comparison()
    assert wrong_lines(run, sampled(total(run)), run.the_same_again) == []
