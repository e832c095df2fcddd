"""The step in the engines: ours, eager and compiled, and the others'."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module as imported
from typing import Any

import numpy as np
from step_by_hand import Step, expert, lean_student, student
from step_workloads import RATE, Params, Workload


def eager(w: Workload) -> Step:
    """tinygrad_edu, recording a graph each time."""
    return eager_descent(ours(w), w.parameters(), *w.data())


def eager_descent(loss: Callable[..., Any], parameters: Params, X: Any, Y: Any) -> Step:
    """Plain descent in Tensors, on any loss."""
    tg = imported("tinygrad_edu")

    p = {k: tg.Tensor(v) for k, v in parameters.items()}

    def step() -> float:
        J = loss(p, X, Y)
        for tensor, gradient in zip(p.values(), tg.grad(J, list(p.values())), strict=True):
            tensor.data -= RATE * gradient
        return float(J.item())

    return step, {k: t.data for k, t in p.items()}


def ours(w: Workload) -> Callable[..., Any]:
    """The loss in Tensor code."""
    tg = imported("tinygrad_edu")

    cost = tg.binary_cross_entropy_with_logits if w.classes == 1 else tg.softmax_cross_entropy

    def loss(p: Params, X: Any, Y: Any) -> Any:
        A = X
        for l in range(1, w.layers):
            A = tg.relu(p[f"W{l}"] @ A + p[f"b{l}"])
        return cost(p[f"W{w.layers}"] @ A + p[f"b{w.layers}"], Y)

    return loss


def compiled(w: Workload, rule: str = "SGD", lr: float = RATE) -> Step:
    """tg.compile, with an optimiser."""
    tg = imported("tinygrad_edu")

    (X, Y), p = w.data(), w.parameters()
    step = tg.compile(ours(w), optimizer=getattr(tg.optim, rule)(lr=lr))
    return lambda: float(step(p, X, Y)), p


def torch_eager(w: Workload) -> Step:
    """PyTorch, eager, with the update in place under no_grad."""
    loss, X, Y, p = _torch(w)
    return torch_descent(loss, p, X, Y)


def torch_descent(loss: Callable[..., Any], p: Params, X: Any, Y: Any) -> Step:
    """Plain descent in PyTorch, on any loss, with the update in place under no_grad."""
    torch = imported("torch")

    def step() -> float:
        J = loss(p, X, Y)
        gradients = torch.autograd.grad(J, list(p.values()))
        with torch.no_grad():
            for tensor, gradient in zip(p.values(), gradients, strict=True):
                tensor.sub_(gradient, alpha=RATE)
        return float(J.detach())

    return step, {k: t.detach().numpy() for k, t in p.items()}


def torch_compiled(w: Workload) -> Step:
    """torch.compile of the loss; the backward pass is compiled with it."""
    torch = imported("torch")

    loss, X, Y, p = _torch(w)
    return torch_descent(torch.compile(loss), p, X, Y)


def _torch(w: Workload) -> tuple[Any, Any, Any, dict[str, Any]]:
    torch = imported("torch")

    F = torch.nn.functional
    X, Y = (torch.from_numpy(a) for a in w.data())
    p = {k: torch.from_numpy(v).requires_grad_() for k, v in w.parameters().items()}

    def loss(p: Params, X: Any, Y: Any) -> Any:
        A = X
        for l in range(1, w.layers):
            A = torch.relu(p[f"W{l}"] @ A + p[f"b{l}"])
        Z = p[f"W{w.layers}"] @ A + p[f"b{w.layers}"]
        return F.binary_cross_entropy_with_logits(Z, Y) if w.classes == 1 else F.cross_entropy(Z.T, Y.T)

    return loss, X, Y, p


def jax_jit(w: Workload) -> Step:
    """JAX, the whole update under jit, the parameters donated."""
    jax = imported("jax")
    jnp = imported("jax.numpy")

    jax.config.update("jax_enable_x64", True)
    X, Y = (jnp.asarray(a) for a in w.data())

    def loss(p: Params, X: Any, Y: Any) -> Any:
        A = X
        for l in range(1, w.layers):
            A = jax.nn.relu(p[f"W{l}"] @ A + p[f"b{l}"])
        Z = p[f"W{w.layers}"] @ A + p[f"b{w.layers}"]
        if w.classes == 1:
            return jnp.sum(jax.nn.softplus(Z) - Y * Z) / w.m
        return -jnp.sum(Y * jax.nn.log_softmax(Z, axis=0)) / w.m

    return jax_descent(loss, w.parameters(), X, Y)


def jax_descent(loss: Callable[..., Any], parameters: Params, X: Any, Y: Any) -> Step:
    """Plain descent in JAX, on any loss, the whole update under jit, the parameters donated."""
    jax = imported("jax")
    state = {k: jax.numpy.asarray(v) for k, v in parameters.items()}
    shown: Params = {}

    def update(p: Params, X: Any, Y: Any) -> Any:
        J, g = jax.value_and_grad(loss)(p, X, Y)
        return J, {k: p[k] - RATE * g[k] for k in p}

    run = jax.jit(update, donate_argnums=0)

    def step() -> float:
        nonlocal state
        J, state = run(state, X, Y)
        shown.update(state)
        return float(J)

    return step, shown


def mygrad(w: Workload) -> Step:
    """MyGrad."""
    mg = imported("mygrad")

    X, Y = w.data()
    p = {k: mg.tensor(v) for k, v in w.parameters().items()}

    def step() -> float:
        A: Any = X
        for l in range(1, w.layers):
            A = mg.maximum(p[f"W{l}"] @ A + p[f"b{l}"], 0)
        Z = p[f"W{w.layers}"] @ A + p[f"b{w.layers}"]
        if w.classes == 1:
            J = mg.sum(mg.logaddexp(0, Z) - Y * Z) / w.m
        else:
            shifted = Z - np.max(Z.data, axis=0, keepdims=True)
            J = -mg.sum(Y * (shifted - mg.log(mg.sum(mg.exp(shifted), axis=0, keepdims=True)))) / w.m
        J.backward()
        for t in p.values():
            t.data[...] -= RATE * t.grad
        return float(J.data)

    return step, {k: t.data for k, t in p.items()}


def hips_autograd(w: Workload) -> Step:
    """HIPS autograd."""
    autograd = imported("autograd")
    anp = imported("autograd.numpy")

    (X, Y), p = w.data(), w.parameters()

    def loss(p: Params) -> Any:
        A = X
        for l in range(1, w.layers):
            A = anp.maximum(anp.dot(p[f"W{l}"], A) + p[f"b{l}"], 0)
        Z = anp.dot(p[f"W{w.layers}"], A) + p[f"b{w.layers}"]
        if w.classes == 1:
            return anp.sum(anp.logaddexp(0, Z) - Y * Z) / w.m
        top = anp.max(Z, axis=0, keepdims=True)
        return -anp.sum(Y * (Z - top - anp.log(anp.sum(anp.exp(Z - top), axis=0, keepdims=True)))) / w.m

    both = autograd.value_and_grad(loss)

    def step() -> float:
        J, g = both(p)
        for k in p:
            p[k] = p[k] - np.asarray(RATE * g[k], w.dtype)
        return float(J)

    return step, p


ENGINES: dict[str, Callable[[Workload], Step]] = {
    "by hand, student": student,
    "by hand, lean student": lean_student,
    "by hand, expert": expert,
    "tinygrad_edu, eager": eager,
    "tinygrad_edu, compiled": compiled,
    "PyTorch eager": torch_eager,
    "torch.compile": torch_compiled,
    "JAX jit": jax_jit,
    "MyGrad": mygrad,
    "HIPS autograd": hips_autograd,
}
