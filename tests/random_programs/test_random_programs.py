"""2,000 random programs: value, gradients and Hessian-vector products as independent engines have them."""

from __future__ import annotations

from collections import Counter
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg

from .engines import ENGINES, Differentiated
from .programs import FUNCTIONS, Program, draw

# A random program spreads a column against a row on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_edu.errors.OuterBroadcastWarning")

PROGRAMS = 2000
BATCH = 100


def with_tinygrad_edu(program: Program, directions: list[Any]) -> Differentiated:
    def run(*leaves: Any) -> Any:
        return program.run(np, leaves)

    value, gradients = tg.func.value_and_grad(run, range(len(program.leaves)))(*program.leaves)
    products = tg.func.hvp(run, program.leaves, tuple(directions))
    return Differentiated(value=float(value), gradients=list(gradients), products=list(products))


def flat(values: Any) -> Any:
    return np.concatenate([np.ravel(v) for v in (values if isinstance(values, list) else [values])])


def differences(program: Program, engine: str, seed: int) -> list[str]:
    """What the two engines disagree on."""
    rng = np.random.default_rng(seed)
    directions = [rng.normal(size=leaf.shape) for leaf in program.leaves]
    ours = with_tinygrad_edu(program, directions)
    theirs = ENGINES[engine](program.run, program.leaves, directions)
    said = []
    for quantity in ("value", "gradients", "products"):
        a, b = (flat(getattr(found, quantity)) for found in (ours, theirs))
        if a.shape != b.shape or not np.abs(a - b).max() <= 1e-8 * max(1.0, np.abs(b).max()):
            said.append(f"seed {seed}: {quantity}: {a} and by {engine} {b}")
    return said


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("first", range(0, PROGRAMS, BATCH))
def test_programs_agree_with_another_engine(first: int, engine: str) -> None:
    if find_spec(engine) is None:
        pytest.skip(f"{engine}, an independent witness, is not installed")
    for seed in range(first, first + BATCH):
        program = draw(seed)
        said = differences(program, engine, seed)
        assert not said, "\n".join([*said, str(program)])


def test_there_is_a_witness() -> None:
    assert any(find_spec(engine) for engine in ENGINES), "install torch or autograd"


def test_the_programs_are_of_all_lengths_and_use_every_function() -> None:
    programs = [draw(seed) for seed in range(PROGRAMS)]
    assert {len(program.calls) for program in programs} == set(range(1, 31))
    used = Counter(call.function.name for program in programs for call in program.calls)
    assert min(used[function.name] for function in FUNCTIONS) >= 30


def test_the_same_seed_draws_the_same_program() -> None:
    assert str(draw(7)) == str(draw(7))
    assert str(draw(7)) != str(draw(8))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_wrong_rule_is_found(engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if find_spec(engine) is None:
        pytest.skip(f"{engine}, an independent witness, is not installed")
    right = tg.tanh.pullbacks
    monkeypatch.setitem(tg.tanh.__dict__, "pullbacks", (lambda g, y, x: 1.0001 * right[0](g, y, x),))
    found = [seed for seed in range(100) if differences(draw(seed), engine, seed)]
    assert len(found) > 10
