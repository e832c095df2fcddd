"""Every operation that says what it is in ONNX: written, run by ONNX Runtime, and compared with itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.export.running import run
from tinygrad_edu.core.samples import Sample
from tinygrad_edu.core.table import OPS
from tinygrad_edu.export.onnx_operators import KERNELS, has_operator

CLAIMED = [
    pytest.param(op, sample, id=f"{name}-{k}")
    for name, op in sorted(OPS.items())
    if has_operator(op)
    for k, sample in enumerate(op.samples)
]


@pytest.mark.filterwarnings("ignore::tinygrad_edu.OuterBroadcastWarning")  # a sample repeats both on purpose
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
@pytest.mark.parametrize(("op", "sample"), CLAIMED)
def test_it_gives_the_same(op: Any, sample: Sample, dtype: Any, tmp_path: Path) -> None:
    xs = sample.draw(np.random.default_rng(0), dtype)

    def function(*tensors: Any) -> Any:
        args = sample.arrange(*tensors) if sample.arrange else tensors
        return op(*args, **sample.settings)

    expected = np.asarray(op.forward(*(sample.arrange(*xs) if sample.arrange else xs), **sample.settings))
    tg.export.onnx(function, xs, tmp_path / "f.onnx")
    (found,) = run(tmp_path / "f.onnx", *xs)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6 if dtype == np.float64 else 2e-5, atol=1e-6)


@pytest.mark.parametrize("name", sorted(KERNELS))
def test_a_copy_under_another_name_is_written_alike(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    onnx = pytest.importorskip("onnx")
    twin = replace(OPS[name], name=f"twin_{name}")
    monkeypatch.setitem(OPS, twin.name, twin)
    sample = OPS[name].samples[0]
    xs = sample.draw(np.random.default_rng(0), np.float64)
    written = []
    for op in (OPS[name], twin):

        def function(*tensors: Any, op: Any = op) -> Any:
            return op(*(sample.arrange(*tensors) if sample.arrange else tensors), **sample.settings)

        tg.export.onnx(function, xs, tmp_path / "f.onnx")
        written.append([node.op_type for node in onnx.load(tmp_path / "f.onnx").graph.node])
    assert written[0] == written[1]
