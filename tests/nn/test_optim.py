"""tg.optim: each rule against PyTorch, the course, and the formula; schedules; clipping; what is refused."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu import optim
from tinygrad_edu.course import optimisers

STEPS = 25
SHAPES = {"W1": (3, 2), "b1": (3, 1)}


def start() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def gradients(t: int) -> dict[str, Any]:
    """Of step t: of many sizes, and some exactly 0."""
    rng = np.random.default_rng((2, t))
    return {
        name: rng.normal(size=shape) * 10.0 ** rng.integers(-3, 3) * (rng.random(shape) > 0.1)
        for name, shape in SHAPES.items()
    }


def moved(optimizer: optim.Optimizer, steps: int = STEPS) -> dict[str, Any]:
    values = start()
    for t in range(steps):
        grads = gradients(t)
        optimizer.begin(grads.values())
        for name, value in values.items():
            optimizer.update(name, value, grads[name])
    return values


def by_torch(name: str, **settings: Any) -> dict[str, Any]:
    torch = pytest.importorskip("torch", reason="compares with PyTorch where it is installed")
    clip_value, clip_norm = settings.pop("clip_value", None), settings.pop("clip_norm", None)
    values = {key: torch.tensor(value, requires_grad=True) for key, value in start().items()}
    optimizer = getattr(torch.optim, name)(list(values.values()), **settings)
    for t in range(STEPS):
        for key, gradient in gradients(t).items():
            values[key].grad = torch.tensor(gradient)
        if clip_value is not None:
            torch.nn.utils.clip_grad_value_(list(values.values()), clip_value)
        if clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(list(values.values()), clip_norm)
        optimizer.step()
    return {key: value.detach().numpy() for key, value in values.items()}


PYTORCH = [
    (optim.SGD(lr=0.1), "SGD", {"lr": 0.1}),
    (optim.SGD(lr=0.1, weight_decay=0.3), "SGD", {"lr": 0.1, "weight_decay": 0.3}),
    (optim.SGD(lr=0.1, clip_value=0.5), "SGD", {"lr": 0.1, "clip_value": 0.5}),
    (optim.SGD(lr=0.1, clip_norm=0.5), "SGD", {"lr": 0.1, "clip_norm": 0.5}),
    # PyTorch's momentum leaves out 1 - beta: the same with a smaller learning rate.
    (optim.Momentum(lr=0.1, beta=0.8), "SGD", {"lr": 0.1 * 0.2, "momentum": 0.8}),
    (optim.Nesterov(lr=0.1, beta=0.8), "SGD", {"lr": 0.1 * 0.2, "momentum": 0.8, "nesterov": True}),
    (optim.RMSProp(lr=0.01, beta=0.95), "RMSprop", {"lr": 0.01, "alpha": 0.95}),
    (optim.Adam(lr=0.01), "Adam", {"lr": 0.01}),
    (
        optim.Adam(lr=0.01, beta1=0.7, beta2=0.9, epsilon=1e-3, weight_decay=0.2),
        "Adam",
        {"lr": 0.01, "betas": (0.7, 0.9), "eps": 1e-3, "weight_decay": 0.2},
    ),
    (optim.AdamW(lr=0.01), "AdamW", {"lr": 0.01}),
    (optim.AdamW(lr=0.01, weight_decay=0.5), "AdamW", {"lr": 0.01, "weight_decay": 0.5}),
]


@pytest.mark.filterwarnings("ignore:::torch")
@pytest.mark.parametrize(("optimizer", "name", "settings"), PYTORCH, ids=lambda v: repr(v)[:40])
def test_steps_are_those_of_pytorch(optimizer: optim.Optimizer, name: str, settings: dict[str, Any]) -> None:
    expected = by_torch(name, **settings)
    for key, value in moved(optimizer).items():
        np.testing.assert_allclose(value, expected[key], rtol=2e-5 if "clip_norm" in settings else 1e-10)


# The rules of the papers, written as recurrences of whole arrays: (W, dW, kept, t) -> W, kept.


def nesterov(W: Any, dW: Any, v: Any, t: int) -> Any:
    v = 0.8 * v + 0.2 * dW
    return W - 0.1 * (0.8 * v + 0.2 * dW), v


def rmsprop(W: Any, dW: Any, s: Any, t: int) -> Any:
    s = 0.95 * s + 0.05 * dW**2
    return W - 0.01 * dW / (np.sqrt(s) + 1e-8), s


def adamw(W: Any, dW: Any, kept: Any, t: int) -> Any:
    v, s = kept if np.ndim(kept) else (0.0, 0.0)
    v, s = 0.9 * v + 0.1 * dW, 0.999 * s + 0.001 * dW**2
    step = (v / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return W - 0.01 * (step + 0.5 * W), np.array([v, s])


def decayed(W: Any, dW: Any, _: Any, t: int) -> Any:
    return W - 0.1 * (dW + 0.3 * W), 0.0


def clipped(W: Any, dW: Any, _: Any, t: int) -> Any:
    return W - 0.1 * np.minimum(np.maximum(dW, -0.5), 0.5), 0.0


@pytest.mark.parametrize(
    ("optimizer", "rule"),
    [
        (optim.Nesterov(lr=0.1, beta=0.8), nesterov),
        (optim.RMSProp(lr=0.01, beta=0.95), rmsprop),
        (optim.AdamW(lr=0.01, weight_decay=0.5), adamw),
        (optim.SGD(lr=0.1, weight_decay=0.3), decayed),
        (optim.SGD(lr=0.1, clip_value=0.5), clipped),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_steps_are_those_of_the_papers(optimizer: optim.Optimizer, rule: Any) -> None:
    values = start()
    kept: dict[str, Any] = dict.fromkeys(values, 0.0)
    for t in range(STEPS):
        for key, dW in gradients(t).items():
            values[key], kept[key] = rule(values[key], dW, kept[key], t + 1)
    for key, value in moved(optimizer).items():
        np.testing.assert_allclose(value, values[key], rtol=1e-10)


def test_momentum_is_the_course_s() -> None:
    values = start()
    v = optimisers.initialize_velocity(values)
    for t in range(STEPS):
        named = {f"d{name}": g for name, g in gradients(t).items()}
        values, v = optimisers.update_parameters_with_momentum(values, named, v, 0.9, 0.1)
    for key, value in moved(optim.Momentum(lr=0.1, beta=0.9)).items():
        np.testing.assert_allclose(value, values[key], rtol=1e-12)


def test_adam_is_the_course_s() -> None:
    values = start()
    v, s = optimisers.initialize_adam(values)
    for t in range(STEPS):
        named = {f"d{name}": g for name, g in gradients(t).items()}
        values, v, s = optimisers.update_parameters_with_adam(values, named, v, s, t + 1, 0.01)
    for key, value in moved(optim.Adam(lr=0.01)).items():
        np.testing.assert_allclose(value, values[key], rtol=1e-12)


def test_clipping_by_norm_keeps_the_direction_and_bounds_the_length() -> None:
    before, after = start(), moved(optim.SGD(lr=1.0, clip_norm=1e-3), steps=1)
    step = np.concatenate([(before[k] - after[k]).ravel() for k in before])
    g = np.concatenate([g.ravel() for g in gradients(0).values()])
    assert np.linalg.norm(step) == pytest.approx(1e-3)
    np.testing.assert_allclose(step / np.linalg.norm(step), g / np.linalg.norm(g), atol=1e-9)
    free, loose = moved(optim.SGD(lr=1.0), steps=1), moved(optim.SGD(lr=1.0, clip_norm=1e9), steps=1)
    assert all(np.array_equal(free[k], loose[k]) for k in free)


def test_nothing_but_scratch_is_kept_of_a_gradient() -> None:
    for optimizer in (optim.Momentum(lr=0.1), optim.RMSProp(lr=0.1), optim.Adam(lr=0.1)):
        W, dW = np.ones((2, 2)), np.ones((2, 2))
        optimizer.begin([dW])
        optimizer.update("W", W, dW)
        assert not any(np.shares_memory(a, dW) for a in optimizer.state["W"].values())


@pytest.mark.parametrize(
    ("optimizer", "told"),
    [
        (optim.SGD(lr=0.1), "SGD(lr=0.1)"),
        (optim.AdamW(lr=0.1), "AdamW(lr=0.1, beta1=0.9, beta2=0.999, epsilon=1e-08, weight_decay=0.01)"),
        (optim.Momentum(lr=optim.StepDecay(0.1, 0.5, 10), clip_norm=2.0),
         "Momentum(lr=StepDecay(lr=0.1, factor=0.5, every=10), beta=0.9, clip_norm=2.0)"),
        (optim.SGD(lr=math.sqrt), "SGD(lr=sqrt)"),
    ],
)  # fmt: skip
def test_an_optimiser_says_its_settings(optimizer: optim.Optimizer, told: str) -> None:
    assert repr(optimizer) == told


# A step on Tensors


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_step_moves_tensors_along_what_backward_left(dtype: Any) -> None:
    w, b = (
        tg.Tensor(np.array([3.0], dtype=dtype), dtype=dtype),
        tg.Tensor(np.array(1.0, dtype=dtype), dtype=dtype),
    )
    optimizer = optim.Adam([w, b], lr=0.1)
    for _ in range(300):
        optimizer.zero_grad()
        (w * w + (b - 2.0) ** 2).sum().backward()
        optimizer.step()
    assert abs(w.item()) < 1e-3
    assert b.item() == pytest.approx(2.0, abs=1e-3)
    assert (w.dtype, b.dtype) == (dtype, dtype)


def test_step_takes_the_gradients_of_tg_grad() -> None:
    params = {"w": tg.Tensor([1.0, 2.0]), "b": tg.Tensor([0.5])}
    J = (params["w"].sum() * params["b"]).sum()
    grads = tg.grad(J, list(params.values()))
    optim.SGD(lr=0.1).step(params, grads)
    assert params["w"].tolist() == pytest.approx([0.95, 1.95])
    assert params["b"].tolist() == pytest.approx([0.2])
    assert grads[0].tolist() == [0.5, 0.5]  # the caller's, so not scratch


def test_a_parameter_without_gradient_stays() -> None:
    w, unused = tg.Tensor([1.0]), tg.Tensor([5.0])
    w.sum().backward()
    optim.Adam([w, unused], lr=0.1).step()
    assert unused.tolist() == [5.0]


# schedules


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (0.3, [0.3, 0.3, 0.3]),
        (lambda t: 1.0 / (1 + t), [1.0, 0.5, 1 / 3]),
        (optim.InverseTimeDecay(1.0, decay=1.0), [1.0, 0.5, 1 / 3]),
        (optim.ExponentialDecay(1.0, factor=0.25, every=2), [1.0, 0.5, 0.25]),
        (optim.StepDecay(1.0, factor=0.1, every=2), [1.0, 1.0, 0.1]),
        (optim.CosineDecay(1.0, steps=2, floor=0.2), [1.0, 0.6, 0.2]),
        (optim.WarmUp(2, then=0.4), [0.2, 0.4, 0.4]),
    ],
)
def test_the_rate_follows_its_schedule(schedule: Any, rates: list[float]) -> None:
    optimizer, W = optim.SGD(lr=schedule), np.zeros(1)
    assert optimizer.lr == pytest.approx(rates[0])
    for rate in rates:
        before = W.copy()
        optimizer.begin([])
        optimizer.update("W", W, np.ones(1))
        assert (before - W).item() == pytest.approx(rate) == optimizer.lr


def test_cosine_is_pytorch_s() -> None:
    torch = pytest.importorskip("torch", reason="compares with PyTorch where it is installed")
    sgd = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.5)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, T_max=10, eta_min=0.1)
    for t in range(10):
        assert optim.CosineDecay(0.5, steps=10, floor=0.1)(t) == pytest.approx(theirs.get_last_lr()[0])
        sgd.step()
        theirs.step()


# errors


def _graph_still_needs_it() -> None:
    w = tg.Tensor([1.0], name="w")
    kept = w * w
    w.grad = np.ones(1)
    optim.SGD([w], lr=0.1).step()
    assert kept is not None


def one_step(gradients: Any) -> None:
    optim.SGD(lr=1).step({"w": tg.Tensor([1.0])}, gradients)


def _other_parameters() -> None:
    optimizer = optim.SGD([tg.Tensor([1.0])], lr=0.1)
    optimizer.step([tg.Tensor([1.0])], [np.ones(1)])


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: optim.SGD(0.1), TypeError, r"the learning rate goes by name: SGD\(lr=0.1\)"),
        (lambda: optim.SGD(lr=0), ValueError, "SGD: lr: expected a number above 0, got 0"),
        (lambda: optim.SGD(lr=math.nan), ValueError, "lr: expected a number above 0, got nan"),
        (lambda: optim.Adam(lr="fast"), ValueError, "Adam: lr: expected a number above 0, got 'fast'"),
        (lambda: optim.Adam(beta1=1.0), ValueError, "beta1: expected a number from 0 to below 1, got 1.0"),
        (lambda: optim.RMSProp(epsilon=0), ValueError, "epsilon: expected a number above 0"),
        (lambda: optim.Momentum(lr=1, beta=-1), ValueError, "Momentum: beta"),
        (lambda: optim.SGD(lr=1, weight_decay=-1), ValueError, "weight_decay: .* at least 0"),
        (lambda: optim.SGD(lr=1, clip_norm=0), ValueError, "clip_norm: expected a number above 0"),
        (lambda: optim.SGD([np.ones(2)], lr=1), TypeError, "0: expected a leaf Tensor that requires"),
        (lambda: optim.SGD([w := tg.Tensor([1.0]), w], lr=1), ValueError, "parameter is given twice"),
        (lambda: optim.Optimizer(lr=1), TypeError, "abstract"),
        (lambda: optim.SGD({"c": tg.Tensor([1])}, lr=1), TypeError, "c: expected a leaf Tensor"),
        (lambda: optim.SGD([tg.Tensor([1.0])], lr=1).step(), RuntimeError, "call backward"),
        (lambda: optim.SGD(lr=1).step(), TypeError, "expected the parameters"),
        (lambda: one_step([]), ValueError, "expected 1, one for each parameter, got 0"),
        (lambda: one_step({"v": 1}), ValueError, "gradients: expected w, got v"),
        (lambda: one_step({"w": np.ones(2)}), ValueError, r"w: expected a gradient of shape \(1,\)"),
        (_graph_still_needs_it, RuntimeError, "w is read-only, because a recorded graph still depends on it"),
        (_other_parameters, ValueError, "already moves other parameters"),
    ],
)  # fmt: skip
def test_errors(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("rate", [-0.1, np.nan, np.inf, None])
def test_a_schedule_that_leaves_the_rates_is_stopped_at_that_step(rate: Any, *, compiled: bool) -> None:
    model, other, X, Y = (
        tg.nn.MLP([2, 1], seed=1),
        tg.nn.MLP([2, 1], seed=1),
        np.ones((2, 4)),
        np.ones((1, 4)),
    )
    optimizer = optim.SGD(lr=lambda t: rate if t == 3 else 0.1)
    with pytest.raises((ValueError, TypeError), match=r"^SGD: lr: .*at step 3"):
        tg.nn.fit(model, X, Y, optimizer=optimizer, epochs=9, compile=compiled)
    tg.nn.fit(other, X, Y, optimizer=optim.SGD(lr=0.1), epochs=3)
    assert np.array_equal(model.parameters()["W1"].data, other.parameters()["W1"].data)
