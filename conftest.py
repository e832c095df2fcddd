"""What holds for every test, those that stand in docstrings and documents included."""

from __future__ import annotations

import os

# One BLAS thread a worker: the workers share the cores, and sums come out alike on every machine.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import pytest  # noqa: E402

# Before pytest imports its modules one by one, which would put the room derive where the function is.
import tinygrad_edu  # noqa: E402, F401


@pytest.fixture(autouse=True)
def _examples_write_elsewhere(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An example that draws ``J.svg`` leaves it in a folder of its own, not in the checkout."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.chdir(tmp_path_factory.mktemp("example"))
