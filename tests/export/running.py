"""Runs an ONNX file in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest


def run(path: Path, *xs: Any) -> list[Any]:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    return list(session.run(None, dict(zip(names, xs, strict=True))))
