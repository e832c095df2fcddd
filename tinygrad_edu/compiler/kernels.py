"""Chains of elementwise operations, with the sum at their end, as one loop: what the extra ``numba`` is for.

NumPy passes over memory once for each operation. A kernel reads every input once, keeps what comes between
in registers, and writes only what somebody reads later. exp, log and tanh stay NumPy's: they are vectorised
there, and would not be here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from tinygrad_edu.compiler.forms import is_view
from tinygrad_edu.compiler.sheet import CONSTANT, Node
from tinygrad_edu.expression.arithmetic import (
    ABSOLUTE,
    ADD,
    DIVIDE,
    EQUAL,
    GREATER,
    GREATER_EQUAL,
    LESS,
    LESS_EQUAL,
    MAXIMUM,
    MINIMUM,
    MULTIPLY,
    NEGATIVE,
    SQUARE,
    SUBTRACT,
    SUM,
    WHERE,
)
from tinygrad_edu.expression.numpy_style import literal

__all__ = ["Kernel", "kernels_of", "module_source"]

FEWEST = 1 << 12
"""Entries from which on a kernel pays."""
PARALLEL = 1 << 16
"""Entries from which on it is run by several threads."""

_ROUNDING = "{'contract', 'reassoc'}"
"""Sums may be added up in another order, as NumPy's are; nothing else is taken lightly."""

_FORM = {
    ADD.kernel: "{0} + {1}",
    SUBTRACT.kernel: "{0} - {1}",
    MULTIPLY.kernel: "{0} * {1}",
    DIVIDE.kernel: "{0} / {1}",
    NEGATIVE.kernel: "-{0}",
    ABSOLUTE.kernel: "abs({0})",
    SQUARE.kernel: "{0} * {0}",
    MAXIMUM.kernel: "{0} if {0} > {1} or {0} != {0} else {1}",
    MINIMUM.kernel: "{0} if {0} < {1} or {0} != {0} else {1}",
    GREATER.kernel: "{0} > {1}",
    GREATER_EQUAL.kernel: "{0} >= {1}",
    LESS.kernel: "{0} < {1}",
    LESS_EQUAL.kernel: "{0} <= {1}",
    EQUAL.kernel: "{0} == {1}",
    WHERE.kernel: "{1} if {0} else {2}",
}


@dataclass(frozen=True)
class Kernel:
    """Nodes that are computed in one loop over their common shape.

    ``inputs`` are arrays and numbers from outside; ``outputs`` those of the nodes that something else
    reads; ``total`` the sum over all entries of one of them, if it ends in one.
    """

    name: str
    nodes: tuple[Node, ...]
    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    total: Node | None
    shape: tuple[int, ...]

    @property
    def members(self) -> tuple[Node, ...]:
        """Everything that it computes."""
        return self.nodes if self.total is None else (*self.nodes, self.total)

    def source(self) -> str:
        """The loop, for numba."""
        rows, columns = self.shape
        arrays = {n: f"a{k}" for k, n in enumerate(self.inputs)}
        results = {n: f"out{k}" for k, n in enumerate(self.outputs)}
        own = {n: f"t{k}" for k, n in enumerate(self.nodes)}
        read = {n: f"x{k}" for k, n in enumerate(self.inputs)}
        many = rows * columns >= PARALLEL
        lines = [
            f"@numba.njit(parallel={many}, cache=True, error_model='numpy', fastmath={_ROUNDING})",
            f"def {self.name}({', '.join([*results.values(), *arrays.values()])}):",
            *([f"    total = {_typed(0.0, self.total.dtype)}"] if self.total else []),
            f"    for i in numba.prange({rows}):" if rows > 1 and many else f"    for i in range({rows}):",
            f"        for j in {'numba.prange' if rows == 1 and many else 'range'}({columns}):",
        ]
        inside = [f"{read[n]} = {_entry(n, arrays[n])}" for n in self.inputs]
        inside += [f"{own[n]} = {_expression(n, own | read)}" for n in self.nodes]
        inside += [f"{results[n]}[i, j] = {own[n]}" for n in self.outputs]
        if self.total is not None:
            inside.append(f"total += {own[self.total.args[0]]}")
        lines += [f"            {line}" for line in inside]
        return "\n".join([*lines, *(["    return total"] if self.total else [])]) + "\n"


def module_source(kernels: Sequence[Kernel]) -> str:
    """The kernels as a module of their own."""
    return "\n\n".join(["import numba\nimport numpy as np\n", *(kernel.source() for kernel in kernels)])


def kernels_of(order: Sequence[Node], results: AbstractSet[Node], taken: AbstractSet[str]) -> list[Kernel]:
    """The chains in a straight line of nodes.

    Args:
        order: nodes, each computed on a line of its own.
        results: what is read elsewhere.
        taken: names that mean something else.
    """
    readers: dict[Node, set[Node]] = {}
    for node in order:
        for arg in node.args:
            readers.setdefault(arg, set()).add(node)
    found: list[Kernel] = []
    run: list[Node] = []
    total: Node | None = None

    def close() -> None:
        nonlocal run, total
        if len(run) + (total is not None) > 1:
            found.append(_kernel(_free(f"kernel_{len(found) + 1}", taken), run, total, readers, results))
        run, total = [], None

    for node in order:
        if is_view(node):
            continue
        if total is None and node.does(SUM) and node.args[0] in run and not node.shape:
            total = node
        elif _fits(node, run, total):
            run.append(node)
        else:
            close()
            if _fits(node, run, total):
                run.append(node)
    close()
    return found


def _free(name: str, taken: AbstractSet[str]) -> str:
    return name if name not in taken else _free(name + "_", taken)


def _fits(node: Node, run: Sequence[Node], total: Node | None) -> bool:
    """Whether a node can be computed entry by entry, in the loop of those before it."""
    if node.op not in _FORM or node.ndim != 2 or node.size < FEWEST or node.dtype.kind not in "fb":
        return False
    if run and node.shape != run[0].shape:
        return False
    for arg in node.args:
        if arg is total or (arg.op == CONSTANT and arg.number is None and arg.ndim not in (0, 2)):
            return False
        if arg.dtype.kind not in "fb" and arg.number is None:
            return False
        if arg.ndim not in (0, 2) or (
            arg.dtype.kind == "f"
            and node.dtype.kind == "f"
            and arg.dtype != node.dtype
            and arg.number is None
        ):
            return False
        if is_view(arg) and any(_behind(arg) is n for n in run):
            return False  # another order of the entries than the loop's
    return True


def _behind(node: Node) -> Node:
    while is_view(node):
        node = node.args[0]
    return node


def _kernel(
    name: str,
    run: Sequence[Node],
    total: Node | None,
    readers: Mapping[Node, set[Node]],
    results: AbstractSet[Node],
) -> Kernel:
    inside = {*run, *([total] if total else [])}
    outputs = [n for n in run if n in results or not readers.get(n, set()) <= inside]
    inputs = dict.fromkeys(a for n in run for a in n.args if a not in inside and a.number is None)
    return Kernel(name, tuple(run), tuple(inputs), tuple(outputs), total, run[0].shape)


def _entry(node: Node, array: str) -> str:
    if not node.shape:
        return array
    return f"{array}[{'i' if node.shape[0] > 1 else '0'}, {'j' if node.shape[1] > 1 else '0'}]"


def _expression(node: Node, names: Mapping[Node, str]) -> str:
    operands = [_operand(a, node, names) for a in node.args]
    return _FORM[node.op].format(*operands)


def _operand(arg: Node, node: Node, names: Mapping[Node, str]) -> str:
    """What an operand is called in the loop: numbers in the loop's dtype, and booleans as 0 or 1."""
    wide = (
        node.dtype
        if node.dtype.kind == "f"
        else next((a.dtype for a in node.args if a.dtype.kind == "f" and a.number is None), node.dtype)
    )
    if arg.number is not None:
        return _typed(float(arg.number), wide) if wide.kind == "f" else literal(arg.number).text
    if arg.dtype.kind == "b" and node.dtype.kind == "f" and not node.does(WHERE):
        return f"({_typed(1.0, wide)} if {names[arg]} else {_typed(0.0, wide)})"
    return names[arg]


def _typed(value: float, dtype: np.dtype[np.generic]) -> str:
    return f"np.{dtype}({literal(value).text})"
