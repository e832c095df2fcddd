"""One training step, forward, backward and update: by hand, in this package, and in the other engines.

    python benchmarks/steps.py                                     # prints the tables
    python benchmarks/steps.py --write docs/benchmarks-steps.md    # and writes the page

Every engine starts from the same parameters and has to agree on the costs of three steps and on the
parameters after them, before anything is timed. Then they take turns; a ratio is formed within a turn,
and its median, smallest and largest over the turns are shown. Cores are fixed, the same for all.
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import os
import platform
import statistics
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
parser.add_argument("--write", type=Path, metavar="PAGE", help="also write the page to this file")
parser.add_argument("--turns", type=int, default=15)
parser.add_argument("--threads", type=int, default=1, help="cores that every engine may use")
parser.add_argument(
    "--clock",
    choices=("wall", "cpu"),
    default="wall",
    help="cpu: processor time, which other programs on the machine disturb less; for one thread only",
)
parser.add_argument("--only", help="workloads whose name has this in it")
arguments = parser.parse_args()

if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[: arguments.threads]))
for library in ("OMP", "OPENBLAS", "MKL", "NUMBA"):
    os.environ[f"{library}_NUM_THREADS"] = str(arguments.threads)
clock = process_time if arguments.clock == "cpu" else perf_counter
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import numpy as np
from step_engines import ENGINES
from step_workloads import WORKLOADS, Workload

OWN = "tinygrad_edu, compiled"
STUDENT, EXPERT = "by hand, student", "by hand, expert"
BOUND = "matrix products alone"
IN_NUMPY = ("by hand", "tinygrad_edu", "MyGrad", "HIPS")
SECONDS = 0.1
"""About how long an engine runs in one turn."""


def verified(w: Workload) -> tuple[dict[str, Callable[[], float]], list[str]]:
    """The engines whose first three costs, and parameters after them, are those derived by hand."""
    expected: dict[str, Any] = {}
    found: dict[str, Callable[[], float]] = {}
    notes = []
    tolerance = 1e-9 if w.dtype == "float64" else 2e-4
    for name, make in ENGINES.items():
        try:
            step, parameters = make(w)
            costs = [step() for _ in range(3)]
        except ImportError as error:
            notes.append(f"{name}: left out, {error.name} is not installed.")
            continue
        except Exception as error:  # noqa: BLE001  (an engine that fails on this machine is named, not hidden)
            notes.append(f"{name}: left out on {w.name}: {type(error).__name__}.")
            continue
        values = {k: np.array(v, np.float64) for k, v in parameters.items()}
        expected = expected or {"costs": costs, **values}
        np.testing.assert_allclose(costs, expected["costs"], rtol=tolerance, err_msg=name)
        for k, v in values.items():
            np.testing.assert_allclose(v, expected[k], rtol=tolerance, atol=tolerance, err_msg=f"{name}: {k}")
        found[name] = step
    found[BOUND] = w.bound()
    return found, notes


def measured(step: Callable[[], Any], calls: int) -> float:
    """Seconds a call."""
    start = clock()
    for _ in range(calls):
        step()
    return (clock() - start) / calls


def taking_turns(steps: dict[str, Callable[[], Any]], turns: int) -> dict[str, list[float]]:
    """Seconds a call, turn by turn, in one interleaved run; nobody always follows the same neighbour."""
    calls = {name: max(1, int(SECONDS / measured(step, 2))) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    names = list(steps)
    for turn in range(turns):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            gc.collect()
            times[name].append(measured(steps[name], calls[name]))
    return times


def peak_memory(name: str, w: Workload) -> int | None:
    """The most that a step holds beyond its data and parameters, as far as Python can see (NumPy's arrays)."""
    if not name.startswith(IN_NUMPY) or name == BOUND:
        return None
    gc.collect()
    tracemalloc.start()
    try:
        step, _ = ENGINES[name](w)
        step()
        gc.collect()
        tracemalloc.reset_peak()
        step()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    itemsize = np.dtype(w.dtype).itemsize
    given = w.m * (w.dims[0] + w.classes) + sum(n * (k + 1) for k, n in zip(w.dims, w.dims[1:], strict=False))
    return peak - given * itemsize


def table(w: Workload, times: dict[str, list[float]], peaks: dict[str, int | None]) -> list[str]:
    """One workload: milliseconds, how long the compiled step takes in comparison, peak memory."""
    lines = [
        f"## {w.name}",
        "",
        "| | ms a step: median (min to max) | compiled step takes: median (min to max) | peak memory |",
        "|---|---|---|---|",
    ]
    for name, seconds in times.items():
        ratios = [ours / theirs for ours, theirs in zip(times[OWN], seconds, strict=True)]
        ratio = "" if name == OWN else f"{_spread(ratios)} ×"
        peak = peaks.get(name)
        held = "" if peak is None else f"{peak / 1e6:.1f} MB"
        lines.append(f"| {name} | {_spread([1e3 * s for s in seconds])} | {ratio} | {held} |")
    return [*lines, "", *_bandwidth(w, times), ""]


def _bandwidth(w: Workload, times: dict[str, list[float]]) -> list[str]:
    """What the memory allows, where a step does little more than read X."""
    if len(w.dims) > 2:
        return []
    size = w.dims[0] * w.m * np.dtype(w.dtype).itemsize
    X = np.ones(size // 8)
    seconds = min(measured(X.max, 1) for _ in range(5))
    ours = statistics.median(times[OWN])
    return [
        f"Reading X ({size / 1e6:.0f} MB) once takes this machine about {1e3 * seconds:.1f} ms; the formulas read it",
        f"twice, forward and backward. The compiled step takes {ours / seconds:.1f} times as long as one reading.",
    ]


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def machine() -> str:
    """The processor and the versions."""
    model = ""
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    kernels = ""
    try:
        import threadpoolctl

        found = {
            d.get("architecture") for d in threadpoolctl.threadpool_info() if d["internal_api"] == "openblas"
        }
        kernels = f"; OpenBLAS with its kernels for {', '.join(sorted(filter(None, found)))}"
    except ImportError:
        pass
    names = ("numpy", "torch", "jax", "mygrad", "autograd", "numba")
    versions = []
    for name in names:
        try:
            versions.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return (
        f"{model or platform.machine()}, {os.cpu_count()} logical cores, of which every engine may use "
        f"{arguments.threads}{kernels}. Python {platform.python_version()}, {', '.join(versions)}."
    )


def compile_time() -> str:
    """Recording and compiling the course's deep network, the call included."""
    import tinygrad_edu as tg
    from step_engines import ours

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
    chosen = [w for w in WORKLOADS if not arguments.only or arguments.only in w.name]
    body: list[str] = []
    notes: dict[str, None] = {}
    for w in chosen:
        steps, missing = verified(w)
        notes |= dict.fromkeys(missing)
        times = taking_turns(steps, arguments.turns)
        names = list(steps)
        steps.clear()
        peaks = {name: peak_memory(name, w) for name in names}
        body += table(w, times, peaks)
        print("\n".join(table(w, times, peaks)), file=sys.stderr)
    blas = os.environ.get("OPENBLAS_CORETYPE")
    command = (
        f"{f'OPENBLAS_CORETYPE={blas} ' if blas else ''}python benchmarks/steps.py {' '.join(sys.argv[1:])}"
    )
    timed = "processor time, all threads of the process" if arguments.clock == "cpu" else "wall-clock time"
    return (
        "\n".join(
            [
                "# Steps: forward pass, backward pass and update",
                "",
                f"Written by `{command}`. {arguments.turns} interleaved turns, {timed}.",
                machine(),
                "All engines' costs and parameters over three steps agreed first. Below 1 ×, the compiled step is faster.",
                "*Student*: the course's formulas D1 to D6 and L13, line by line, in the course's blocks: D2's block also",
                "gives dA[l-1] to the layer before, dA[0] included. *Lean student*: the same without dA[0]. *Expert*: every",
                "array made beforehand, `out=` everywhere. *Matrix products alone*: what no step with this BLAS undercuts.",
                "",
                *body,
                compile_time(),
                "",
                *notes,
            ]
        ).rstrip()
        + "\n"
    )


if __name__ == "__main__":
    page = report()
    print(page, end="")
    if arguments.write:
        arguments.write.write_text(page, "utf-8")
