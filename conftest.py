"""What holds for every test, those that stand in docstrings and documents included."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

# One BLAS thread a worker: the workers share the cores, and sums come out alike on every machine.
for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "agg")

import pytest  # noqa: E402

from tinygrad_edu.autodiff.definition import _withdraw  # noqa: E402
from tinygrad_edu.core.table import OPS  # noqa: E402


@pytest.hookimpl(trylast=True)  # after the choice of -m and -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A run of all tests leaves the long ones to CI, one of some (files, ``-m``, ``-k``) has all it names."""
    chosen = config.option.markexpr or config.option.keyword
    some = chosen or config.args_source is pytest.Config.ArgsSource.ARGS
    if some or os.environ.get("CI"):
        return
    long = [item for item in items if item.get_closest_marker("slow")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if not item.get_closest_marker("slow")]


def pytest_collection_finish() -> None:
    """20,000 tests are many objects, which the tests that collect garbage need not look through."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _examples_write_elsewhere(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An example that draws ``J.svg`` leaves it in a folder of its own, not in the checkout."""
    if isinstance(request.node, pytest.DoctestItem):
        monkeypatch.chdir(tmp_path_factory.mktemp("example"))


@pytest.fixture(autouse=True)
def _own_operations_go_with_their_test() -> Iterator[None]:
    """Tests that go through all operations see the package's own, whatever ran before them."""
    before = set(OPS)
    yield
    for name in OPS.keys() - before:
        _withdraw(OPS[name])
