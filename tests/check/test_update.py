"""Update rules written by hand: right ones accepted in every way they are written, mistakes named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.check import update


def sgd(W: Any, dW: Any, learning_rate: Any) -> Any:
    return W - learning_rate * dW


def sgd_of_the_course(parameters: Any, grads: Any, learning_rate: Any) -> Any:
    for l in range(1, len(parameters) + 1):
        parameters[f"W{l}"] = parameters[f"W{l}"] - learning_rate * grads[f"dW{l}"]
    return parameters


def sgd_in_place(w: Any, g: Any, lr: Any) -> None:
    w -= lr * g


def momentum(W: Any, dW: Any, v: Any, beta: Any, learning_rate: Any) -> Any:
    v = beta * v + (1 - beta) * dW
    return W - learning_rate * v, v


def rmsprop(W: Any, dW: Any, s: Any, beta: Any, lr: Any, eps: Any) -> Any:
    s = beta * s + (1 - beta) * dW**2
    return W - lr * dW / (np.sqrt(s) + eps), s


def adam_of_the_course(
    parameters: Any,
    grads: Any,
    v: Any,
    s: Any,
    t: Any,
    learning_rate: Any = 0.01,
    beta1: Any = 0.9,
    beta2: Any = 0.999,
    epsilon: Any = 1e-8,
) -> Any:
    for l in range(1, len(parameters) + 1):
        W, dW = f"W{l}", f"dW{l}"
        v[dW] = beta1 * v[dW] + (1 - beta1) * grads[dW]
        s[dW] = beta2 * s[dW] + (1 - beta2) * np.square(grads[dW])
        parameters[W] = parameters[W] - learning_rate * (v[dW] / (1 - beta1**t)) / (
            np.sqrt(s[dW] / (1 - beta2**t)) + epsilon
        )
    return parameters, v, s


def adam_of_the_paper(
    theta: Any, g: Any, m: Any, v: Any, t: Any, alpha: Any, beta1: Any, beta2: Any, eps: Any
) -> Any:
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return theta - alpha * m_hat / (np.sqrt(v_hat) + eps), m, v


RIGHT = [
    (sgd, "sgd"),
    (sgd_of_the_course, "SGD"),
    (sgd_in_place, tg.optim.SGD(lr=0.3)),
    (momentum, "momentum"),
    (momentum, tg.optim.Momentum(lr=0.2, beta=0.7)),
    (rmsprop, "rmsprop"),
    (rmsprop, tg.optim.RMSProp(lr=0.2, beta=0.7)),
    (adam_of_the_course, "adam"),
    (adam_of_the_paper, tg.optim.Adam(lr=0.2, beta1=0.8, beta2=0.9)),
]


@pytest.mark.parametrize(("step", "optimizer"), RIGHT)
def test_a_right_rule_is_right(step: Any, optimizer: Any) -> None:
    assert update(step, optimizer).ok


def adam(change: str = "", by: str = "") -> Any:
    source = """
def step(W, dW, v, s, t, learning_rate, beta1, beta2, epsilon):
    v = beta1 * v + (1 - beta1) * dW
    s = beta2 * s + (1 - beta2) * dW**2
    v_corrected = v / (1 - beta1**t)
    s_corrected = s / (1 - beta2**t)
    return W - learning_rate * v_corrected / (np.sqrt(s_corrected) + epsilon), v, s
"""
    assert change in source
    space: dict[str, Any] = {"np": np}
    exec(source.replace(change, by) if change else source, space)
    return space["step"]


@pytest.mark.parametrize(
    ("change", "by", "said"),
    [
        ("W - learning", "W + learning", "plus for a minus"),
        ("learning_rate * v", "v", "learning rate is missing"),
        ("(1 - beta1) * dW", "dW", "v takes dW where it should take (1 - β1) dW"),
        ("(1 - beta2) * dW**2", "dW**2", "s takes dW²"),
        ("dW**2", "dW", "s averages dW where"),
        ("np.sqrt(s_corrected)", "s_corrected", "square root of s is missing"),
        ("np.sqrt(s_corrected) + epsilon", "np.sqrt(s_corrected + epsilon)", "ε stands inside the root"),
        ("s / (1 - beta2**t)", "s", "bias correction of s is missing"),
        ("v / (1 - beta1**t)", "v", "bias correction of v is missing"),
        ("    v_corrected = v", "    t = t + 1\n    v_corrected = v", "t is one too large"),
        ("learning_rate * v_corrected", "learning_rate * dW", "the average v is not used"),
        ("epsilon), v, s", "epsilon), 0 * v, s", "the average v starts from 0 again"),
        ("beta1 * v + (1 - beta1)", "(1 - beta1) * v + beta1", "unknown"),
    ],
)
def test_a_mistake_in_adam_is_named(change: str, by: str, said: str) -> None:
    diagnosis = update(adam(change, by), "adam")["W"].diagnosis
    assert said in " ".join([*diagnosis.codes, diagnosis.text, *diagnosis.alternatives])


def test_two_mistakes_are_named_together() -> None:
    step = adam("W - learning_rate * v_corrected", "W + learning_rate * v")
    assert "plus for a minus; and the bias correction of v" in update(step, "adam")["W"].diagnosis.text


def test_exchanged_settings_are_named() -> None:
    def step(W: Any, dW: Any, v: Any, s: Any, t: Any, lr: Any, beta1: Any, beta2: Any, eps: Any) -> Any:
        return adam()(W, dW, v, s, t, lr, beta2, beta1, eps)

    assert update(step, "adam")["W"].diagnosis.text == "β1 and β2 are exchanged"


def test_another_rule_is_named() -> None:
    assert update(momentum, "sgd")["W"].diagnosis.text == "this is the rule of momentum"


def test_weights_that_do_not_move_are_named() -> None:
    assert "does not move" in update(lambda W, dW: W, "sgd")["W"].diagnosis.text


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: update(sgd, "adagrad"), ValueError, "expected one of sgd, momentum, rmsprop, adam"),
        (lambda: update(lambda W, z: W, "sgd"), TypeError, "no quantity is called 'z'"),
        (lambda: update(lambda W, dW: 3.0, "sgd"), TypeError, "weights of shape"),
        (lambda: update(sgd, "sgd", rate=3), TypeError, "no setting is called rate"),
    ],
)
def test_what_cannot_be_run_is_said(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()
