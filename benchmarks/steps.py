"""One training step, forward, backward and update: by hand, in this package, and in the other engines.

    python benchmarks/steps.py                                     # prints the tables
    python benchmarks/steps.py --write docs/benchmarks-steps.md    # and writes the page

How it is measured: ``turns.py``.
"""

from __future__ import annotations

import importlib
import statistics
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from time import perf_counter
from typing import Any

from turns import (
    OWN,
    THREADS,
    Times,
    arguments,
    measured,
    page,
    second_core,
    spread,
    table,
    taking_turns,
    verified,
    written,
)

# After turns, which sets the number of threads:
import numpy as np  # isort: skip
from step_by_hand import Step
from step_engines import ENGINES, compiled, ours
from step_workloads import WORKLOADS, Workload

BOUND = "matrix products alone"
RULES = ("SGD", "Momentum", "RMSProp", "Adam")
IN_NUMPY = ("by hand", "tinygrad_edu", "MyGrad", "HIPS")


def made(name: str, k: int) -> Step:
    """A step of an engine on a workload."""
    return ENGINES[name](WORKLOADS[k])


def products(k: int) -> Step:
    """The matrix products of a workload, with no cost to agree on."""
    run = WORKLOADS[k].bound()

    def step() -> float:
        run()
        return 0.0

    return step, {}


def given(w: Workload) -> int:
    """The bytes of a workload's data and parameters."""
    numbers = w.m * (w.dims[0] + w.classes) + sum(n * (k + 1) for k, n in pairwise(w.dims))
    return numbers * np.dtype(w.dtype).itemsize


def bandwidth(w: Workload, times: Times, threads: int) -> list[str]:
    """What the memory allows that number of threads, where a step does little more than read X."""
    if len(w.dims) > 2:
        return []
    size = w.dims[0] * w.m * np.dtype(w.dtype).itemsize
    parts = np.array_split(np.ones(size // 8), threads)
    with ThreadPoolExecutor(threads) as pool:

        def read() -> None:
            list(pool.map(np.max, parts))

        seconds = min(measured(read, 1) for _ in range(9))
    ours_takes = statistics.median(times[OWN])
    on = "one thread" if threads == 1 else f"{threads} threads"
    return [
        f"Reading X ({size / 1e6:.0f} MB) once takes {on} of this machine about {1e3 * seconds:.1f} ms; the",
        "formulas read it twice, forward and backward. "
        f"The compiled step takes {ours_takes / seconds:.1f} times as long as one reading.",
    ]


def by_rule(rule: str, k: int) -> Step:
    """The compiled step of a workload with an optimiser."""
    return compiled(WORKLOADS[k], rule, 1e-4)


def optimisers(k: int, threads: int) -> list[str]:
    """How long a step of a network takes with an optimiser, beside plain descent."""
    if len(WORKLOADS[k].dims) < 3:
        return []
    engines, _ = verified({rule: partial(by_rule, rule, k) for rule in RULES}, threads, np.inf, "")
    times = taking_turns(engines, arguments.turns)
    for engine in engines.values():
        engine.close()
    plain, *others = RULES
    ratios = {r: [a / b for a, b in zip(times[r], times[plain], strict=True)] for r in others}
    told = ", ".join(f"{rule} {spread(found)} ×" for rule, found in ratios.items())
    return [f"The compiled step with an optimiser takes, beside plain descent: {told}.", ""]


def compile_time() -> str:
    """Recording and compiling the course's deep network, the call included."""

    tg = importlib.import_module("tinygrad_edu")

    w = next(w for w in WORKLOADS if w.dims == (12288, 20, 7, 5, 1))
    (X, Y), p = w.data(), w.parameters()
    seconds = []
    for _ in range(3):
        step = tg.compile(ours(w))
        start = perf_counter()
        step(p, X, Y)
        seconds.append(perf_counter() - start)
    return f"Recording and compiling {w.name}: {min(seconds):.2f} s, first call included."


def report() -> str:
    """The whole page."""
    body: list[str] = []
    notes: dict[str, None] = {}
    for k, w in enumerate(WORKLOADS):
        if arguments.only and arguments.only not in w.name:
            continue
        body += [f"## {w.name}", ""]
        own: dict[int, list[float]] = {}
        for threads in THREADS:
            makes: dict[str, Any] = {name: partial(made, name, k) for name in ENGINES}
            tolerance = 1e-9 if w.dtype == "float64" else 2e-4
            engines, missing = verified(makes, threads, tolerance, w.name)
            bound, _ = verified({BOUND: partial(products, k)}, threads, np.inf, w.name)
            engines |= bound
            notes |= dict.fromkeys(missing)
            times = taking_turns(engines, arguments.turns)
            peaks = {
                name: engine.ask("peak") - given(w)
                for name, engine in engines.items()
                if name.startswith(IN_NUMPY)
            }
            for engine in engines.values():
                engine.close()
            own[threads] = times[OWN]
            lines = [
                *table(threads, times, peaks),
                *bandwidth(w, times, threads),
                *optimisers(k, threads),
                "",
            ]
            print(w.name, *lines, sep="\n", file=sys.stderr)
            body += lines
        body += second_core(own)
    return page(
        "Steps: forward pass, backward pass and update",
        "steps.py",
        [
            "Each engine runs in a process of its own; they take turns. Their costs and parameters over",
            "three steps agreed first. Below 1 ×, the compiled step is faster.",
            "",
            "*Student*: the course's formulas D1 to D6 and L13, line by line, in the course's blocks:",
            "that of D2 gives dA[l-1], too, down to dA[0]. *Lean student*: the same without dA[0].",
            "*Expert*: every array made beforehand, `out=` everywhere. *Matrix products alone*: what no",
            "step with this BLAS undercuts, unless it reads X once for both passes. NumPy's rows run",
            "with the BLAS that it brings (`OPENBLAS_CORETYPE` chooses its kernels; a wrong guess can",
            "cost a factor of two); JAX and PyTorch bring their own.",
            "",
            *body,
            compile_time(),
            "",
            *notes,
        ],
    )


if __name__ == "__main__":
    written(report())
