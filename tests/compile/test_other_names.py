"""An operation under another name compiles, is labelled and explained as the one that it is a copy of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.table import OPS

NAMES = [
    "add",
    "subtract",
    "multiply",
    "negative",
    "log",
    "sigmoid",
    "matmul",
    "transpose",
    "reshape",
    "power",
]


def loss(f: dict[str, Any]) -> object:
    def cost(p: dict[str, tg.Tensor], X: object) -> tg.Tensor:
        A = f["sigmoid"](f["add"](f["matmul"](p["W"], X), p["b"]))
        B = f["subtract"](f["log"](A), f["multiply"](2.0, f["power"](A, 2.0)))
        return f["negative"](f["reshape"](f["transpose"](B), (-1,))).mean()

    return cost


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_compiles_to_the_same_source(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = {n: OPS[n] for n in NAMES}
    twin = replace(OPS[name], name=f"twin_{name}")
    monkeypatch.setitem(OPS, twin.name, twin)
    rng = np.random.default_rng(0)
    p, X = {"W": rng.normal(size=(2, 3)), "b": rng.normal(size=(2, 1))}, rng.normal(size=(3, 4))
    steps = [tg.compile(loss(f)) for f in (plain, plain | {name: twin})]
    (J, grads), (K, twins) = (step(p, X) for step in steps)
    assert steps[0].source == steps[1].source.replace("twin_", "")  # what nobody named is called after it
    assert J == K
    np.testing.assert_array_equal(grads["W"], twins["W"])
