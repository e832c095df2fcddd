"""What other engines do with the same small questions, each of them tried: ``docs/comparison.md``.

``python benchmarks/neighbours.py --write docs/comparison.md`` needs the extra ``bench``; an engine that
is not installed is left out. Every engine has a process of its own, and an equal share of the time
that is left; what crashes or takes longer says so in its cell. The whole ends in five minutes.
tinygrad runs on its device PYTHON, which needs no compiler; ``DEV`` chooses another.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[1]


class Engine(NamedTuple):
    """How an engine is spoken to."""

    title: str
    package: str
    leaf: Callable[[Any], Any]
    """A value to be differentiated by; None for an engine that transforms functions."""
    gradient: Callable[[Callable[[Any], Any], Any], Any]
    """The derivative of a function at a value, as an array."""
    functions: Callable[[], Any]
    """What has exp, sum and the like."""


def _by_tape(
    leaf: Callable[[Any], Any], out: Callable[[Any], Any]
) -> Callable[[Callable[[Any], Any], Any], Any]:
    def gradient(f: Callable[[Any], Any], value: Any) -> Any:
        x = leaf(value)
        f(x).backward()
        return out(x)

    return gradient


def _module(name: str) -> Any:
    if name.startswith("dezero") and not hasattr(np, "int"):
        setattr(np, "int", int)  # noqa: B010  (its last version asks for this name)
    return importlib.import_module(name)


def _float(x: Any) -> Any:
    return np.array(x, dtype=getattr(x, "dtype", np.float64))


def _torch_leaf(value: Any) -> Any:
    return _module("torch").tensor(_float(value), requires_grad=True)


def _dezero_leaf(value: Any) -> Any:
    return _module("dezero").Variable(_float(value))


def _tinygrad_leaf(value: Any) -> Any:
    flat = (
        _module("tinygrad").Tensor(np.atleast_1d(_float(value))).realize()
    )  # one number alone has no device
    return flat.reshape(np.shape(value))


def _mygrad_leaf(value: Any) -> Any:
    return _module("mygrad").tensor(_float(value))


def _tg_leaf(value: Any) -> Any:
    return _module("tinygrad_edu").Tensor(_float(value))


def _micrograd_leaf(value: Any) -> Any:
    return _module("micrograd.engine").Value(float(value))


def _jax_gradient(f: Callable[[Any], Any], value: Any) -> Any:
    jax = _module("jax")
    jax.config.update("jax_enable_x64", True)
    return np.asarray(jax.grad(f)(jax.numpy.asarray(_float(value))))


def _autograd_gradient(f: Callable[[Any], Any], value: Any) -> Any:
    return np.asarray(_module("autograd").grad(f)(_float(value)))


def _tinygrad_gradient(f: Callable[[Any], Any], value: Any) -> Any:
    x = _tinygrad_leaf(value)
    return f(x).gradient(x)[0].numpy()


ENGINES = {
    "tg": Engine("tinygrad_edu", "tinygrad_edu", _tg_leaf, _by_tape(_tg_leaf, lambda x: x.grad), lambda: np),
    "micrograd": Engine(
        "micrograd", "micrograd", _micrograd_leaf, _by_tape(_micrograd_leaf, lambda x: x.grad), lambda: None
    ),
    "mygrad": Engine(
        "MyGrad", "mygrad", _mygrad_leaf, _by_tape(_mygrad_leaf, lambda x: x.grad), lambda: _module("mygrad")
    ),
    "autograd": Engine(
        "HIPS autograd", "autograd", lambda _: None, _autograd_gradient, lambda: _module("autograd.numpy")
    ),
    "torch": Engine(
        "PyTorch",
        "torch",
        _torch_leaf,
        _by_tape(_torch_leaf, lambda x: x.grad.numpy()),
        lambda: _module("torch"),
    ),
    "jax": Engine("JAX", "jax", lambda _: None, _jax_gradient, lambda: _module("jax.numpy")),
    "dezero": Engine(
        "DeZero",
        "dezero",
        _dezero_leaf,
        _by_tape(_dezero_leaf, lambda x: x.grad.data),
        lambda: _module("dezero.functions"),
    ),
    "tinygrad": Engine(
        "tinygrad", "tinygrad", _tinygrad_leaf, _tinygrad_gradient, lambda: _module("tinygrad").Tensor
    ),
}


def array(found: Any) -> Any:
    """What an engine has for a gradient, as an array."""
    if isinstance(found, (float, np.ndarray, np.generic)):
        return np.asarray(found)
    return np.asarray(found.numpy() if hasattr(found, "numpy") else found.data)


def number(found: Any) -> float:
    """The same of a single number."""
    return float(array(found).ravel()[0])


# The questions. Each gives what stands in the cell; what it raises stands there, too.


def numpys_functions(e: Engine) -> str:
    """`np.sum(np.exp(x) * x)`, with NumPy's own functions, is differentiated"""
    x = np.array([0.5, 1.0]) if e.package != "micrograd" else 0.5
    found = e.gradient(lambda x: np.sum(np.exp(x) * x), x)
    return "yes" if np.allclose(found, np.exp(x) * (1 + x)) else "wrong"


def kept(e: Engine) -> str:
    """`u.grad` of an intermediate `u = x * x`, after the backward pass"""
    x = e.leaf(3.0)
    if x is None:
        return "no: inputs of functions only"
    u = x * x
    J = u * u
    J.backward()
    found = u.grad if e.package != "torch" or u.is_leaf else None  # it warns where one only looks
    if found is None:
        return "no: None"
    return "yes" if abs(number(found) - 18) < 1e-5 else "wrong"


def twice(e: Engine) -> str:
    """J = (x²)² at 3: `x.grad` after `backward()` twice, 108 after once"""
    x = e.leaf(3.0)
    if x is None:
        return "-"
    u = x * x
    J = u * u
    J.backward()
    J.backward()
    found = x.grad
    return f"{number(found):g}"


def second_derivative(e: Engine) -> str:
    """the second derivative of x³ at 2"""
    if e.package in ("jax", "autograd"):
        grad = _module(e.package).grad
        return f"{float(grad(grad(lambda x: x**3))(2.0)):g}"
    x = e.leaf(2.0)
    J = x**3
    if e.package == "torch":
        torch = _module("torch")
        (slope,) = torch.autograd.grad(J, x, create_graph=True)
        return f"{torch.autograd.grad(slope, x)[0].item():g}"
    if e.package == "tinygrad_edu":
        tg = _module("tinygrad_edu")
        (slope,) = tg.grad(J, [x], create_graph=True)
        return f"{tg.grad(slope, [x])[0]:g}"
    if e.package == "tinygrad":
        return f"{J.gradient(x)[0].gradient(x)[0].item():g}"
    if e.package == "dezero":
        J.backward(create_graph=True)
        slope = x.grad
        x.cleargrad()
        slope.backward()
        return f"{float(x.grad.data):g}"
    J.backward()
    x.grad.backward()  # a plain number has none
    return "?"


def written_between(e: Engine) -> str:
    """an input is written into between the forward and the backward pass"""
    given = np.array([1.0, 2.0])
    if e.package == "micrograd":
        x = e.leaf(1.0)
        J = x * x
        x.data = 100.0
        J.backward()
        found: Any = np.array([x.grad])
        return "wrong gradient" if not np.allclose(found, 2.0) else "right gradient"
    if e.package in ("autograd", "jax"):
        functions = e.functions()

        def f(x: Any) -> Any:
            y = functions.sum(x * x)
            given[0] = 100.0
            return y

        gradient = _module(e.package).grad
        if e.package == "jax":
            return (
                "right gradient"
                if np.allclose(gradient(f)(_module("jax.numpy").asarray(given)), [2, 4])
                else "wrong gradient"
            )
        return "right gradient" if np.allclose(gradient(f)(given), [2, 4]) else "wrong gradient"
    x = e.leaf(given)
    J = (x * x).sum()
    if e.package == "torch":
        with _module("torch").no_grad():
            x[0] = 100.0
    elif e.package == "tinygrad":
        x[0] = 100.0
    else:
        x.data[0] = 100.0
    J.backward()
    return "right gradient" if np.allclose(array(x.grad), [2, 4]) else "wrong gradient"


def long_chain(e: Engine) -> str:
    """a chain of 100,000 operations is differentiated"""

    def chain(x: Any) -> Any:
        for _ in range(100_000):
            x = x * 1.00001
        return x

    found = e.gradient(chain, 1.0)
    return "yes" if np.allclose(found, 1.00001**100_000) else "wrong"


def norm_at_zero(e: Engine) -> str:
    """the gradient of √(x₁² + x₂²) at 0 (the engine's norm, where it has one)"""
    if e.package == "micrograd":
        return "-"
    functions = e.functions()
    norm: Callable[[Any], Any] = lambda x: ((x * x).sum()) ** 0.5  # noqa: E731
    if functions is not None and hasattr(functions, "linalg") and hasattr(functions.linalg, "norm"):
        norm = functions.linalg.norm
    with np.errstate(all="ignore"):
        return str(np.asarray(e.gradient(norm, np.zeros(2))).tolist())


def columns_and_rows(e: Engine) -> str:
    """predictions (3, 1) minus labels (3,), squared, mean"""
    if e.package == "micrograd":
        return "-"

    def cost(x: Any) -> Any:
        y = np.array([0.0, 1.0, 1.0])
        y = _module("torch").tensor(y) if e.package == "torch" else y
        y = _module("tinygrad").Tensor(y) if e.package == "tinygrad" else y
        d = x - y
        return (d * d).sum() / 3.0

    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        e.gradient(cost, np.full((3, 1), 0.5))
    names = [w.category.__name__ for w in said if "Broadcast" in w.category.__name__]
    return f"warns: {names[0]}" if names else "a number, silently"


def many_rows(e: Engine) -> str:
    """b (1,) of float32 added to 1,000,000 rows, each with gradient 0.1: db"""
    if e.package == "micrograd":
        return "-"
    x = np.zeros((1_000_000, 1), np.float32)
    x = _module("torch").tensor(x) if e.package == "torch" else x
    x = _module("tinygrad").Tensor(x) if e.package == "tinygrad" else x
    tenth = np.float32(0.1)
    found = e.gradient(
        lambda b: ((x + b) * (float(tenth) if e.package in ("torch", "tinygrad") else tenth)).sum(),
        np.zeros(1, np.float32),
    )
    return f"{float(np.asarray(found).ravel()[0]):.2f}"


def import_time(e: Engine) -> str:
    """processor time to import it, beyond NumPy's"""

    compiled = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

    def cost(text: str) -> float:
        code = f"import numpy, time; t = time.process_time(); {text}; print(time.process_time() - t)"
        done = [
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=compiled
            )
            for _ in range(2)
        ]
        return min(float(d.stdout.split()[-1]) for d in done)

    name = {"micrograd": "micrograd.engine", "autograd": "autograd.numpy", "jax": "jax.numpy"}.get(
        e.package, e.package
    )
    shim = "numpy.int = int; " if e.package == "dezero" else ""
    return f"{cost(shim + 'import ' + name):.2f} s"


def size(e: Engine) -> str:
    """size of the package alone, without what it needs"""
    folder = Path(next(iter(_module(e.package).__path__)))
    own = [p for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return f"{sum(p.stat().st_size for p in own) / 1e6:.1f} MB"


QUESTIONS = [
    numpys_functions, kept, twice, second_derivative, written_between, norm_at_zero, columns_and_rows,
    many_rows, import_time, size, long_chain,
]  # fmt: skip
"""The longest last: an engine that runs out of time in it has answered the others."""


def cell(engine: str, question: Callable[[Engine], str]) -> str:
    """What comes of a question, in this process."""
    try:
        return str(question(ENGINES[engine]))
    except FileNotFoundError as error:
        return f"not tried: needs {error.filename}"
    except Exception as error:  # noqa: BLE001
        return f"raises {type(error).__name__}"


def column(engine: str, seconds: float) -> list[str]:
    """What comes of all questions, in a process for the engine; after a crash another one goes on."""
    end, cells = time.monotonic() + seconds, list[str]()
    while len(cells) < len(QUESTIONS):
        command = [sys.executable, "-W", "ignore", __file__, "--column", engine, str(len(cells))]
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                timeout=max(0.0, end - time.monotonic()), env={"DEV": "PYTHON", **os.environ},
            )  # fmt: skip
            said, ended = done.stdout, "the process crashes"
        except subprocess.TimeoutExpired as error:
            said, ended = error.stdout or b"", f"not in {seconds:.0f} s"
        cells += [line for line in said.decode().splitlines() if line.startswith(ANSWER)]
        cells += [ended] * (len(cells) < len(QUESTIONS))
    return [text.removeprefix(ANSWER) for text in cells]


def installed() -> list[str]:
    """The engines that are here."""
    return [name for name, engine in ENGINES.items() if importlib.util.find_spec(engine.package)]


def version(engine: Engine) -> str:
    """Its version."""
    try:
        return importlib.metadata.version(engine.package)
    except importlib.metadata.PackageNotFoundError:
        return str(getattr(_module(engine.package), "__version__", ""))


def table(seconds: float) -> str:
    """The table, a row for each question."""
    names = installed()
    lines = ["| | " + " | ".join(ENGINES[n].title for n in names) + " |", "|---" * (len(names) + 1) + "|"]
    end, columns = time.monotonic() + seconds, list[list[str]]()
    for name in names:  # each has an equal share of the time that is left
        columns.append(column(name, (end - time.monotonic()) / (len(names) - len(columns))))
    for question, *cells in zip(QUESTIONS, *columns, strict=True):
        lines.append(f"| {question.__doc__} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


ANSWER = "answer: "
START, END = "<!-- tried -->\n", "<!-- end of what was tried -->\n"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--column", nargs=2, metavar=("ENGINE", "FROM"), help="for a process of its own")
    parser.add_argument("--seconds", type=float, default=280.0, help="for all engines together")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    if options.column:
        engine, first = options.column
        for question in QUESTIONS[int(first) :]:
            print(f"{ANSWER}{cell(engine, question)}", flush=True)
        return
    versions = ", ".join(f"{ENGINES[n].title} {version(ENGINES[n])}" for n in installed())
    python = f"Python {platform.python_version()}, NumPy {np.__version__}"
    text = f"{python}, {versions}; {time.strftime('%B %Y')}.\n\n{table(options.seconds)}"
    if options.write is None:
        print(text)
        return
    before, rest = options.write.read_text("utf-8").split(START)
    options.write.write_text(f"{before}{START}{text}{END}{rest.split(END)[1]}", "utf-8")


if __name__ == "__main__":
    main()
