"""PyTorch as a second witness: values, gradients and Hessian-vector products of drawn matrices and images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

torch = pytest.importorskip("torch", reason="PyTorch is the independent witness")
F = torch.nn.functional

CHANNELS_FIRST, CHANNELS_LAST = (0, 3, 1, 2), (0, 2, 3, 1)


def definite(xp: Any, x: Any) -> Any:
    return x @ xp.swapaxes(x, -1, -2) + xp.eye(x.shape[-1], dtype=x.dtype)


def images(f: Callable[..., Any], **settings: Any) -> Callable[..., Any]:
    """PyTorch's function of images (m, C, H, W) and filters (C', C, H, W), on ours."""

    def call(x: Any, *filters: Any) -> Any:
        theirs = (w.permute(3, 2, 0, 1) for w in filters)
        return f(x.permute(*CHANNELS_FIRST), *theirs, **settings).permute(*CHANNELS_LAST)

    return call


SQUARE, TALL, STACK = (4, 4), (5, 3), (2, 3, 3)
ORDERS = (1, -1, 2, -2, "fro", "nuc", np.inf, -np.inf)
PLACES: dict[str, Any] = {"stride": (2, 1), "padding": (1, 0)}

MATRICES: dict[str, tuple[Any, tuple[int, ...]]] = {  # each of NumPy's or PyTorch's functions
    "inv": (lambda xp, x: xp.linalg.inv(x), STACK),
    "pinv": (lambda xp, x: xp.linalg.pinv(x), TALL),
    "det": (lambda xp, x: xp.linalg.det(x), STACK),
    "cholesky": (lambda xp, x: xp.linalg.cholesky(definite(xp, x)), STACK),
    "eigvalsh": (lambda xp, x: xp.linalg.eigvalsh(definite(xp, x)), STACK),
    "eigh": (lambda xp, x: xp.linalg.eigh(definite(xp, x))[1] ** 2, SQUARE),
    "svd, U": (lambda xp, x: xp.linalg.svd(x, full_matrices=False)[0] ** 2, TALL),
    "svd, Vh": (lambda xp, x: xp.linalg.svd(x, full_matrices=False)[2] ** 2, TALL),
    "qr, Q": (lambda xp, x: xp.linalg.qr(x)[0] ** 2, TALL),
    "qr, R": (lambda xp, x: xp.linalg.qr(xp.swapaxes(x, 0, 1))[1] ** 2, SQUARE),
    **{f"norm {p}": (lambda xp, x, p=p: xp.linalg.norm(x, p, (-2, -1)), (2, 4, 3)) for p in ORDERS},
}
NETWORKS: dict[str, tuple[Any, Any, tuple[int, ...]]] = {
    "max_pool2d": (
        lambda x: tg.max_pool2d(x, size=(3, 2), **PLACES),
        images(F.max_pool2d, kernel_size=(3, 2), **PLACES),
        (2, 5, 6, 3),
    ),
    "avg_pool2d": (
        lambda x: tg.avg_pool2d(x, size=(3, 2), **PLACES),
        images(F.avg_pool2d, kernel_size=(3, 2), **PLACES),
        (2, 5, 6, 3),
    ),
    **{name: (getattr(tg, name), getattr(F, name), (3, 4)) for name in ("gelu", "silu", "softplus", "elu")},
}


def agrees(ours: Any, theirs: Any, *xs: Any, rtol: float = 1e-6) -> None:
    weights = np.cos(np.arange(ours(*xs).size)).reshape(ours(*xs).shape)
    directions = [np.sin(np.arange(x.size) + 1.0).reshape(x.shape) for x in xs]
    mine = [tg.Tensor(x) for x in xs]
    its = [torch.tensor(x, requires_grad=True) for x in xs]
    y, z = ours(*mine), theirs(*its)
    gs = tg.grad(np.sum(weights * y + y * y), mine, create_graph=True)
    expected_gs = torch.autograd.grad((torch.tensor(weights) * z + z * z).sum(), its, create_graph=True)
    hs = tg.grad(sum(np.sum(g * v) for g, v in zip(gs, directions, strict=True)), mine)
    along = sum((g * torch.tensor(v)).sum() for g, v in zip(expected_gs, directions, strict=True))
    expected = [z, *expected_gs, *torch.autograd.grad(along, its)]
    for a, b in zip([y.data, *(g.data for g in gs), *hs], expected, strict=True):
        b = b.detach().numpy()
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * (1e-3 + np.max(np.abs(b))))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", MATRICES)
def test_functions_of_matrices(name: str, seed: int) -> None:
    f, shape = MATRICES[name]
    x = np.random.default_rng(seed).standard_normal(shape)
    agrees(lambda x: f(np, x), lambda x: f(torch, x), x)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", NETWORKS)
def test_activations_and_pooling(name: str, seed: int) -> None:
    ours, theirs, shape = NETWORKS[name]
    agrees(ours, theirs, np.random.default_rng(seed).standard_normal(shape))


@pytest.mark.parametrize("seed", range(3))
def test_solve_and_convolution(seed: int) -> None:
    rng = np.random.default_rng(seed)
    agrees(np.linalg.solve, torch.linalg.solve, rng.standard_normal(STACK), rng.standard_normal((2, 3, 2)))
    x, W = rng.standard_normal((2, 5, 6, 3)), rng.standard_normal((3, 2, 3, 4))
    agrees(lambda x, W: tg.conv2d(x, W, **PLACES), images(F.conv2d, **PLACES), x, W)


@pytest.mark.parametrize("seed", range(3))
def test_costs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    Z, Y = 10 * rng.standard_normal((3, 4)), rng.random((3, 4))
    labels = torch.tensor(Y)
    agrees(
        lambda Z: 4 * tg.binary_cross_entropy_with_logits(Z, Y),
        lambda z: F.binary_cross_entropy_with_logits(z, labels, reduction="sum"),
        Z,
    )
    Y = Y / Y.sum(axis=0)
    agrees(lambda Z: tg.softmax_cross_entropy(Z, Y), lambda z: F.cross_entropy(z.T, torch.tensor(Y.T)), Z)
