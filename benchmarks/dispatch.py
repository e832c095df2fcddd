"""What one small operation costs, forward and backward, beside the other Python engines.

    python benchmarks/dispatch.py                                        # prints the table
    python benchmarks/dispatch.py --write docs/benchmarks-dispatch.md    # and writes the page

Two programs, the same text for every engine: a chain of 1,000 elementwise operations on arrays of
shape (64,), with four leaves, and the scalar J = 3(a + bc), leaves included. Every engine's value and
gradients are first compared with those derived by hand. Then they take turns, each in a process of its
own, so that whatever else the machine does meets all of them alike, and nobody's garbage collector walks
through the modules of the others; a ratio is formed within a turn, and its median, smallest and largest
over the turns are shown.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from time import process_time
from typing import Any

for _library in ("OMP", "OPENBLAS", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import numpy as np  # noqa: E402  (after the number of threads is set)

BLOCKS = 100  # of ten operations
SHAPE = (64,)
Leaves = tuple[Any, ...]


def chain(x: Any, w: Any, b: Any, c: Any, tanh: Callable[[Any], Any], exp: Callable[[Any], Any]) -> Any:
    """1,000 operations: seven of two operands (five leaves, two numbers) and three of one, in turn."""
    for _ in range(BLOCKS):
        x = x * w
        x = x + b
        x = tanh(x)
        x = x - c
        x = -x
        x = x / w
        x = exp(x)
        x = 0.5 * x
        x = x * b
        x = x - 1.0
    return x


def chain_by_hand(x: Any, w: Any, b: Any, c: Any) -> tuple[Any, list[Any]]:
    """The same in bare NumPy, its derivative derived by hand: what no engine can undercut."""
    tape = []
    for _ in range(BLOCKS):
        x0 = x
        x1 = x0 * w
        x2 = x1 + b
        x3 = np.tanh(x2)
        x4 = x3 - c
        x5 = -x4
        x6 = x5 / w
        x7 = np.exp(x6)
        x8 = 0.5 * x7
        x9 = x8 * b
        x = x9 - 1.0
        tape.append((x0, x3, x6, x7, x8))
    g = np.ones(SHAPE)
    dw, db, dc = np.zeros(SHAPE), np.zeros(SHAPE), np.zeros(SHAPE)
    for x0, x3, x6, x7, x8 in reversed(tape):
        db = db + g * x8
        g = g * b * 0.5 * x7 / w
        dw = dw - g * x6
        g = -g
        dc = dc - g
        g = g * (1 - x3 * x3)
        db = db + g
        dw = dw + g * x0
        g = g * w
    return x.sum(), [g, dw, db, dc]


def scalar(a: Any, b: Any, c: Any) -> Any:
    """The course's first computation graph."""
    return 3 * (a + b * c)


@dataclass(frozen=True)
class Engine:
    """An engine under test: how it runs each of the two programs, giving the value and the gradients."""

    name: str
    chain: Callable[[], tuple[Any, Any]] | None
    scalar: Callable[[], tuple[Any, Any]] | None
    derives: bool = True


def chain_inputs() -> Leaves:
    """Values at which the chain neither dies out nor explodes."""
    rng = np.random.default_rng(0)
    x, w, b, c = (rng.uniform(lo, lo + 0.3, SHAPE) for lo in (0.2, 0.9, 0.3, 0.1))
    return x, w, b, c


def bare_numpy() -> list[Engine]:
    """The forward pass alone, and both passes by hand."""
    x, w, b, c = chain_inputs()
    return [
        Engine(
            "bare NumPy, forward only",
            lambda: (chain(x, w, b, c, np.tanh, np.exp).sum(), []),
            lambda: (scalar(np.float64(5), np.float64(3), np.float64(2)), []),
            derives=False,
        ),
        Engine("bare NumPy, derived by hand", lambda: chain_by_hand(x, w, b, c), None),
    ]


def tinygrad_edu() -> list[Engine]:
    """This package: the leaves' gradients, as a training loop takes them; with NumPy's functions on its
    Tensors; and with ``backward()``, which keeps the gradient of every intermediate value, too.
    """
    tg = importlib.import_module("tinygrad_edu")

    leaves = [tg.Tensor(v) for v in chain_inputs()]

    def run(tanh: Any, exp: Any) -> tuple[Any, Any]:
        J = chain(*leaves, tanh, exp).sum()
        return J.data, tg.grad(J, leaves)

    def run_backward() -> tuple[Any, Any]:
        for leaf in leaves:
            leaf.zero_grad()
        J = chain(*leaves, tg.tanh, tg.exp).sum()
        J.backward()
        return J.data, [leaf.grad for leaf in leaves]

    def run_scalar() -> tuple[Any, Any]:
        a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
        J = scalar(a, b, c)
        J.backward()
        return J.data, (a.grad, b.grad, c.grad)

    return [
        Engine("tinygrad_edu", lambda: run(tg.tanh, tg.exp), run_scalar),
        Engine("tinygrad_edu, np.tanh and np.exp", lambda: run(np.tanh, np.exp), None),
        Engine("tinygrad_edu, backward(), all intermediates' gradients kept", run_backward, None),
    ]


def pytorch() -> list[Engine]:
    """PyTorch, eager."""
    torch = importlib.import_module("torch")

    torch.set_num_threads(1)
    leaves = [torch.tensor(v, requires_grad=True) for v in chain_inputs()]

    def run() -> tuple[Any, Any]:
        for leaf in leaves:
            leaf.grad = None
        J = chain(*leaves, torch.tanh, torch.exp).sum()
        J.backward()
        return J.detach(), [leaf.grad for leaf in leaves]

    def run_scalar() -> tuple[Any, Any]:
        a, b, c = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (5.0, 3.0, 2.0))
        J = scalar(a, b, c)
        J.backward()
        return J.detach(), (a.grad, b.grad, c.grad)

    return [Engine("PyTorch eager", run, run_scalar)]


def mygrad() -> list[Engine]:
    """MyGrad."""
    mg = importlib.import_module("mygrad")

    leaves = [mg.tensor(v) for v in chain_inputs()]

    def run() -> tuple[Any, Any]:
        J = chain(*leaves, mg.tanh, mg.exp).sum()
        J.backward()
        return J.data, [leaf.grad for leaf in leaves]

    def run_scalar() -> tuple[Any, Any]:
        a, b, c = mg.tensor(5.0), mg.tensor(3.0), mg.tensor(2.0)
        J = scalar(a, b, c)
        J.backward()
        return J.data, (a.grad, b.grad, c.grad)

    return [Engine("MyGrad", run, run_scalar)]


def hips_autograd() -> list[Engine]:
    """HIPS autograd: it transforms functions, so one call does both passes."""
    autograd, anp = importlib.import_module("autograd"), importlib.import_module("autograd.numpy")

    def J(leaves: Leaves) -> Any:
        return anp.sum(chain(*leaves, anp.tanh, anp.exp))

    both = autograd.value_and_grad(J)
    both_of_scalar = autograd.value_and_grad(lambda leaves: scalar(*leaves))
    leaves = chain_inputs()
    return [Engine("HIPS autograd", lambda: both(leaves), lambda: both_of_scalar((5.0, 3.0, 2.0)))]


def micrograd() -> list[Engine]:
    """micrograd: scalars only, and its recursive sort ends at a chain of about a thousand."""
    Value = importlib.import_module("micrograd.engine").Value

    def run_scalar() -> tuple[Any, Any]:
        a, b, c = Value(5.0), Value(3.0), Value(2.0)
        J = scalar(a, b, c)
        J.backward()
        return J.data, (a.grad, b.grad, c.grad)

    return [Engine("micrograd", None, run_scalar)]


PEERS = {
    "numpy": bare_numpy,
    "tinygrad_edu": tinygrad_edu,
    "torch": pytorch,
    "mygrad": mygrad,
    "autograd": hips_autograd,
    "micrograd": micrograd,
}


def verify(engine: Engine) -> None:
    """Both programs against the results derived by hand."""
    if engine.chain is not None:
        J, gradients = engine.chain()
        expected, by_hand = chain_by_hand(*chain_inputs())
        np.testing.assert_allclose(np.asarray(J), expected, rtol=1e-12, err_msg=engine.name)
        for got, want in zip(gradients, by_hand, strict=engine.derives):
            np.testing.assert_allclose(np.asarray(got), want, rtol=1e-9, err_msg=engine.name)
    if engine.scalar is not None:
        J, gradients = engine.scalar()
        expected = [33.0, 3.0, 6.0, 9.0][: 1 + len(gradients)]
        np.testing.assert_allclose([float(J), *map(float, gradients)], expected)


def measure(program: Callable[[], Any], calls: int) -> float:
    """CPU seconds a call, in the stride: after a collection and a call that finds the caches cold."""
    gc.collect()
    program()
    start = process_time()
    for _ in range(calls):
        program()
    return (process_time() - start) / calls


def serve(module: str, pipe: Connection) -> None:
    """One library in a process of its own: tells its programs, then measures the one that is asked for."""
    engines = PEERS[module]()
    for engine in engines:
        verify(engine)
    programs = {("chain", e.name): e.chain for e in engines if e.chain is not None}
    programs |= {("scalar", e.name): e.scalar for e in engines if e.scalar is not None}
    pipe.send(list(programs))
    with contextlib.suppress(EOFError):  # the report is done
        while True:
            asked, calls = pipe.recv()
            pipe.send(measure(programs[asked], calls))


class Served:
    """A library in its process."""

    def __init__(self, module: str) -> None:
        self.pipe, theirs = get_context("spawn").Pipe()
        self.process = get_context("spawn").Process(target=serve, args=(module, theirs), daemon=True)
        self.process.start()
        theirs.close()
        self.programs: list[tuple[str, str]] = self.pipe.recv()

    def measure(self, program: tuple[str, str], calls: int) -> float:
        """CPU seconds a call."""
        self.pipe.send((program, calls))
        return float(self.pipe.recv())


def take_turns(served: list[Served], kind: str, *, turns: int, calls: int) -> dict[str, list[float]]:
    """Seconds a call for each turn of each program, in one interleaved run."""
    homes = {program: library for library in served for program in library.programs if program[0] == kind}
    times: dict[str, list[float]] = {name: [] for _, name in homes}
    for program, library in homes.items():
        library.measure(program, calls)  # warm caches and specialised bytecode
    for turn in range(turns):
        order = list(homes)
        shift = turn % len(order)
        for program in order[shift:] + order[:shift]:  # nobody always follows the same neighbour
            times[program[1]].append(homes[program].measure(program, calls))
    return times


def table(times: dict[str, list[float]], per: float, unit: str, own: str) -> list[str]:
    """A Markdown table: microseconds, and this package's time over the engine's, turn by turn."""
    lines = [
        f"| engine | µs per {unit}: median (min to max) | tinygrad_edu takes: median (min to max) |",
        "|---|---|---|",
    ]
    for name, seconds in times.items():
        micro = [1e6 * s / per for s in seconds]
        ratios = [mine / theirs for mine, theirs in zip(times[own], seconds, strict=True)]
        ratio = "" if name == own else f"{_spread(ratios)} ×"
        lines.append(f"| {name} | {_spread(micro)} | {ratio} |")
    return lines


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def report(turns: int) -> str:
    """The whole page."""
    present = [module for module in PEERS if importlib.util.find_spec(module)]
    notes = [f"{module} is not installed, and left out." for module in PEERS if module not in present]
    served = [Served(module) for module in present]
    operations = 10 * BLOCKS + 1
    own = "tinygrad_edu"
    versions = [f"{module} {importlib.metadata.version(module)}" for module in present if module != own]
    return (
        "\n".join(
            [
                "# Dispatch: what one small operation costs",
                "",
                "Written by `python benchmarks/dispatch.py --write docs/benchmarks-dispatch.md`.",
                f"{turns} interleaved turns, each engine in a process of its own, one thread,",
                f"CPU time; {os.cpu_count()} cores,",
                f"Python {platform.python_version()}, {', '.join(versions)}.",
                "All engines' values and gradients agreed first, to rounding.",
                "",
                f"## A chain of 1,000 elementwise operations of shape {SHAPE}, forward and backward",
                "",
                *table(take_turns(served, "chain", turns=turns, calls=4), operations, "operation", own),
                "",
                "## J = 3(a + bc) on scalars: three leaves made, forward, backward",
                "",
                *table(take_turns(served, "scalar", turns=turns, calls=1000), 1, "evaluation", own),
                "",
                *notes,
            ]
        ).rstrip()
        + "\n"
    )


def main() -> None:
    """Prints the page, and writes it where asked to."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--write", type=Path, metavar="PAGE", help="also write the page to this file")
    parser.add_argument("--turns", type=int, default=15)
    args = parser.parse_args()
    page = report(args.turns)
    print(page, end="")
    if args.write:
        args.write.write_text(page, "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    main()
