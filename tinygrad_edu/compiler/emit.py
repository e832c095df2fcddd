"""From a schedule to the source of a step, and the memory that it works in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.compiler.instructions import (
    computes_in,
    constant_code,
    is_ufunc,
    own_memory,
    takes_out,
    text,
)
from tinygrad_edu.compiler.liveness import Lifetimes
from tinygrad_edu.compiler.memory import Buffer, Life, arranged
from tinygrad_edu.compiler.rows import Rows
from tinygrad_edu.compiler.schedule import Loop, Schedule, columns_of
from tinygrad_edu.compiler.views import behind
from tinygrad_edu.core.facts import ATOM
from tinygrad_edu.core.op import Op
from tinygrad_edu.expression.arithmetic import MATMUL
from tinygrad_edu.expression.node import Node
from tinygrad_edu.expression.numpy_style import NUMPY, literal, needing_definitions
from tinygrad_edu.expression.writer import Text
from tinygrad_edu.ops.networks.embeddings import columns_added


@dataclass(frozen=True)
class Emitted:
    """The source of ``step(...)``, what its names mean, and its buffers."""

    source: str
    constants: Mapping[str, Any]
    """Arrays that never change, and random generators."""
    ops: tuple[Op, ...]
    buffers: tuple[Buffer, ...]
    nbytes: int
    parts: int = 0
    """Into how many parts a loop over tiles is cut."""
    tile_nbytes: int = 0
    """The memory that each thread of the loop has of its own."""
    tables: tuple[str, ...] = ()
    """What fills the gradients of large tables, each the same one again."""


def emitted(
    schedule: Schedule,
    names: Mapping[Node, str],
    inputs: Sequence[str],
    handed: Sequence[tuple[str, str]] = (),
    *,
    lent: bool = False,
) -> Emitted:
    """Writes the step.

    Args:
        schedule: the nodes, in order.
        names: what the quantities are called in the program.
        inputs: the arguments of the function.
        handed: ``key, parameter`` of each gradient that an optimiser gets instead of the caller.
        lent: whether the moves are given to the caller, to be read before the next call, and not made.
    """
    return _Writer(schedule, names, inputs, handed, lent=lent).emitted()


class _Writer(Lifetimes):
    """The lines as text."""

    def __init__(
        self,
        schedule: Schedule,
        names: Mapping[Node, str],
        inputs: Sequence[str],
        handed: Sequence[tuple[str, str]],
        *,
        lent: bool,
    ) -> None:
        super().__init__(schedule, names, inputs)
        self.handed, self.lent = handed, lent
        self.taken = {*inputs, *self.names.values()}
        self.prefix = {p: _apart(p, self.taken) for p in ("m", "c", "rng", "part")}
        self.constants: dict[str, NDArray[Any]] = {}
        self.constant_names: dict[tuple[Node, tuple[int, ...]], str] = {}
        self.generators: dict[str, Any] = {}
        self.tables: list[str] = []
        self.cut = self._cut_inputs()

    def _cut_inputs(self) -> dict[Node, str]:
        """The arrays from outside that the loop reads by tiles, and what a tile of each is called."""
        read = dict.fromkeys(
            a for node in self.body for a in node.args if a in self.axis and a not in self.body
        )
        read = {node: None for node in read if node.number is None}
        whole = {
            node: node.called or self.names.get(node, f"{self.prefix['part']}{k}")
            for k, node in enumerate(read)
        }
        return {node: _free(f"{name}_", self.taken) for node, name in whole.items()}

    def emitted(self) -> Emitted:
        """The step as source, with its memory laid out."""
        own = [life for node, life in self.lives.items() if node in self.body and node not in self.sums]
        own += self.temporaries.values()
        mine = {life.name for life in own}
        everything = [*self.lives.values(), *self.temporaries.values(), *self.partial.values()]
        offsets, nbytes = arranged([life for life in everything if life.name not in mine])
        offsets_in_tile, tile_nbytes = arranged(own)
        self.places: dict[Any, str] = {}
        # In the loop arrays of one shape are cut along different axes, so those are places of their own.
        along = {life.name: self.axis.get(node) for node, life in self.lives.items() if node in self.body}
        offsets |= offsets_in_tile
        self.buffer = {
            life.name: self._place(life, offsets[life.name], along.get(life.name), life.name in mine)
            for life in everything
        }
        lines = [f"def step({', '.join(self.inputs)}):"]
        at: dict[int, int] = {}
        for k, line in self._lines():
            lines.append(line)
            at.setdefault(k, len(lines))
        for k in range(len(self.order), -1, -1):  # a view has no line: it is read where it is used
            at.setdefault(k, at.get(k + 1, len(lines)))
        holds: dict[str, list[tuple[str, int, int]]] = {}
        for life in everything:
            holds.setdefault(self.buffer[life.name], []).append((life.name, at[life.start], at[life.end]))
        buffers = tuple(
            Buffer(name, shape, dtype, offset, tuple(holds[name]), 0 if of_thread else None)
            for (offset, shape, dtype, _, of_thread), name in self.places.items()
        )
        called = [n.rule for n in self.order if takes_out(n) and n.rule.into is not None]
        ops = tuple(dict.fromkeys([*called, *needing_definitions(n.rule for n in self.order)]))
        return Emitted(
            "\n".join(lines) + "\n",
            {**self.constants, **self.generators},
            ops,
            buffers,
            nbytes,
            self.schedule.loop.parts if self.schedule.loop else 0,
            tile_nbytes,
            tuple(self.tables),
        )

    def _place(self, life: Life, offset: int, axis: int | None, of_thread: bool) -> str:
        return self.places.setdefault(
            (offset, life.shape, life.dtype, axis, of_thread), f"{self.prefix['m']}{len(self.places)}"
        )

    def _lines(self) -> Iterator[tuple[int, str]]:
        for k, node in enumerate(self.schedule.before):
            yield from self._lines_of(k, node, "    ")
        if self.schedule.loop:
            yield from self._loop(self.schedule.loop)
        for k, node in enumerate(self.schedule.after, start=self.behind):
            yield from self._lines_of(k, node, "    ")
        cost, *gradients = self.schedule.outputs
        results = [self._code(cost).text if own_memory(cost) else f"np.array({self._code(cost)})"]
        own = [self._own(gradient, gradients[:k]) for k, gradient in enumerate(gradients)]
        if self.lent:
            own = [self._to_read(by) for by in self.schedule.moves.values()]
        elif self.handed or self.schedule.moved:
            yield len(self.order), f"    result = {results.pop()}"
            lines = self._handed(own) if self.handed else self._moves()
            yield from ((len(self.order), f"    {line}") for line in lines)
            own, results = [], ["result"]
        yield len(self.order), f"    return {', '.join([*results, *own])}{',' * (not own)}"

    def _loop(self, loop: Loop) -> Iterator[tuple[int, str]]:
        """A function that computes one part, called for all; then what the parts add up to."""
        own = [name for (*_, of_thread), name in self.places.items() if of_thread]
        sums = [node for node in loop.body if node in loop.sums]
        yield self.first, f"    def tiles({', '.join(['part', *own])}):"
        for node in sums:
            name, place = self.names[node], f"{self._parts(node)}[part]"
            yield self.first, f"        {name} = {f'{place}; {name}.fill(0)' if node.shape else '0.0'}"
        first = f"part * {loop.part}"
        last = f"min({first} + {loop.part}, {loop.length})"
        yield self.first, f"        for start in range({first}, {last}, {loop.tile}):"
        yield self.first, f"            tile = slice(start, start + {loop.tile})"
        for node, name in self.cut.items():
            yield self.first, f"            {name} = {self._code(node)}[{':, ' * loop.axis[node]}tile]"
        for k, node in enumerate(loop.body, start=self.first):
            yield from self._lines_of(k, node, "            ")
        for node in sums:
            if not node.shape:
                yield self.behind - 1, f"        {self._parts(node)}[part] = {self.names[node]}"
        yield self.behind - 1, f"    spread(tiles, {loop.parts})  # on all threads"
        for node in sums:
            name = self.names[node]
            total = f"np.add.reduce({self._parts(node)}, axis=0"
            if not node.shape:  # a number of NumPy's: Python's may not be divided by 0
                yield self.behind - 1, f"    {name} = np.{node.dtype}({total}))"
            elif node in self.lives:
                yield self.behind - 1, f"    {name} = {total}, out={self.buffer[name]})"
            else:
                yield self.behind - 1, f"    {name} = {total})"

    def _parts(self, node: Node) -> str:
        return self.buffer[self.partial[node].name]

    def _in_parts(self, rows: Rows) -> Iterator[tuple[int, str]]:
        """A function that computes one part of some lines, called for all."""
        number = self.rows.index(rows) + 1
        function = _free(f"rows_{number}", self.taken)
        part, of_part = self.prefix["part"], _free("rows", self.taken)
        for node in rows.nodes:
            yield rows.first, f"    {self.names[node]} = {self.buffer[self.names[node]]}"
        yield rows.first, f"    def {function}({part}):"
        yield rows.first, f"        {of_part} = slice({part} * {rows.part}, ({part} + 1) * {rows.part})"

        def code(operand: Node) -> Text:
            whole, axis = self._code(operand), rows.cut(operand)
            return whole if axis is None else Text(f"{whole}[{':, ' * axis}{of_part}]", ATOM)

        for node in rows.nodes:
            yield rows.last, f"        {text(node, code, code(node).text)}"
        yield rows.last, f"    in_parts({function}, {rows.parts})  # on all threads"

    def _lines_of(self, k: int, node: Node, indent: str) -> Iterator[tuple[int, str]]:
        rows = self.rows_at.get(k)
        if rows is not None:
            if k == rows.first:
                yield from self._in_parts(rows)
        elif not self.inline(node):
            yield k, indent + self._statement(node)

    def _statement(self, node: Node) -> str:
        name = self.names[node]
        inside = node in self.body
        if inside and node in self.sums:
            out = self.buffer[f"{name}_part"] if takes_out(node) else None
            value = text(node, self._tiled, out)
            return f"{name} += {value}" if node.shape else f"{name} += float({value})"
        code = self._tiled if inside else self._code
        if node.random:
            return f"{name} = {self._drawn(node)}"
        if self.lent and node.does(columns_added) and not inside:
            self.tables.append(_free(f"columns_added_{len(self.tables) + 1}", self.taken))
            x, ids = map(code, node.args)
            return f"{name} = {self.tables[-1]}({x}, {ids}, n={node.settings['n']})"
        if node in self.lives:
            out = self.buffer[name]
            loop = self.schedule.loop
            if inside and loop and loop.length % loop.tile:
                out = f"{out}[{':, ' * loop.axis[node]}: {loop.length} - start]"
            return f"{name} = {text(node, code, out)}"
        if takes_out(node) and not _natural(node):
            return f"{name} = np.empty({node.shape}, np.{node.dtype}); {text(node, code, name)}"
        return f"{name} = {text(node, code, None)}"

    def _drawn(self, node: Node) -> str:
        """A call that draws from its own generator, the one that the eager function draws from."""
        generator = node.settings["rng"].generator
        known = next((name for name, value in self.generators.items() if value is generator), None)
        rng = known or f"{self.prefix['rng']}{len(self.generators)}"
        self.generators[rng] = generator
        facts = [f"{k}={rng if k == 'rng' else literal(v)}" for k, v in node.settings.items()]
        return f"{node.rule.name}({', '.join([*(str(self._code(a)) for a in node.args), *facts])})"

    def _code(self, node: Node) -> Text:
        if node.is_name:
            return Text(node.called, ATOM, node.shape, node.dtype)
        if node.is_constant:
            return self._constant(node)
        if self.inline(node):
            return self._within(node, self._code)
        return Text(self.names[node], ATOM, node.shape, node.dtype)

    def _tiled(self, node: Node) -> Text:
        if self.schedule.loop and node in self.axis and node.number is not None:
            return self._row_of_tile(node, self.schedule.loop)
        if node in self.cut:
            return Text(self.cut[node], ATOM, node.shape, node.dtype)
        if self.inline(node):
            return self._within(node, self._tiled)
        return self._code(node)

    @staticmethod
    def _within(node: Node, code: Callable[[Node], Text]) -> Text:
        """It as a part of the expression that uses it."""
        operands = [code(a) for a in node.args]
        return NUMPY.written(node.rule, operands, node.settings, shape=node.shape, dtype=node.dtype)

    def _constant(self, node: Node) -> Text:
        if node.number is not None and not node.shape:
            plain = isinstance(node.value, np.generic) or node.dtype in (np.float64, np.int64, np.bool_)
            return (
                constant_code(node) if plain else Text(f"np.{node.dtype}({node.value!r})", dtype=node.dtype)
            )
        return Text(self._array(node, node.shape), ATOM, node.shape, node.dtype)

    def _array(self, node: Node, shape: tuple[int, ...]) -> str:
        """The name of a constant array; of one number, in whichever shape is needed."""
        name = self.constant_names.setdefault((node, shape), f"{self.prefix['c']}{len(self.constants)}")
        if name not in self.constants:
            self.constants[name] = np.ascontiguousarray(
                np.broadcast_to(np.asarray(node.value, node.dtype), shape)
            )
        return name

    def _row_of_tile(self, node: Node, loop: Loop) -> Text:
        """Of one number, all tiles are the same, but for a shorter last one."""
        axis = loop.axis[node]
        name = self._array(node, (*node.shape[:axis], loop.tile, *node.shape[axis + 1 :]))
        if loop.length % loop.tile:
            name = f"{name}[{':, ' * axis}: {loop.length} - start]"
        return Text(name, ATOM, node.shape, node.dtype)

    def _own(self, node: Node, before: Sequence[Node]) -> str:
        """A gradient as an array that its receiver may write to: copied where somebody else has it too."""
        code = self._code(node)
        if own_memory(node) and node.shape and node not in before:
            return code.text
        return f"np.array({code})" if node.shape else f"np.array({code}, np.{node.dtype})"

    def _to_read(self, node: Node) -> str:
        """A gradient as an array that stays as it is until it is read. A given one is copied."""
        shown = behind(node)
        kept = own_memory(shown) or shown.is_constant or shown.does(columns_added)  # a new table
        return (
            self._code(node).text if kept and node.shape else f"np.array({self._code(node)}, np.{node.dtype})"
        )

    def _moves(self) -> Iterator[str]:
        """All parameters, or none: an interrupt finds no gap in one call."""
        moves = {W.called: self._step(by) for W, by in self.schedule.moves.items()}
        if not self.schedule.named and not self.schedule.products:
            parameters, steps = _listed(moves), _listed(moves.values())
            yield f"deque(map(np.subtract, {parameters}, {steps}, {parameters}), 0)  # all of them, or none"
            return
        calls = [f"(np.subtract, {W}, {by}, {W})," for W, by in moves.items()]
        yield from self._products(calls)
        yield from self._moves_of_columns(calls)
        yield from ("changes = [", *(f"    {line}" for line in calls), "]")
        yield "deque(starmap(call, changes), 0)  # all of them, or none"

    def _step(self, by: Node) -> str:
        """What is subtracted, as it is written."""
        return str(self._code(by) if by.number is None else constant_code(by))

    def _products(self, calls: list[str]) -> Iterator[str]:
        """Adds calls that subtract a product from its parameter, in place."""
        moved = _listed(W.called for W in self.schedule.moved)
        for given in dict.fromkeys(x.called for x in self.schedule.factors if x.is_name):
            yield f"{given} = apart({given}, {moved})"
        for W, step in self.schedule.products.items():
            facts = [W.called, *map(self._code, step.product.args)]
            shrinks = [" * ".join(map(self._step, shrink)) for shrink in step.shrinks]
            facts += [f"times={' * '.join(map(self._step, step.times))}"] * bool(step.times)
            facts += [f"shrink={' + '.join(shrinks)}"] * bool(shrinks)
            calls.append(f"less_product({', '.join(map(str, facts))}),  # in place")

    def _moves_of_columns(self, calls: list[str]) -> Iterator[str]:
        """Adds calls that write those columns of a table that are named."""
        for k, (W, by) in enumerate(self.schedule.named.items(), start=1):
            x, ids = columns_of(by).args
            table = f"{W.called}{'.T' * (by is not columns_of(by))}"
            which, left = (_free(f"{name}_{k}", self.taken) for name in ("named", "left"))
            yield f"{which}, {left} = columns_left({table}, {self._code(x)}, {self._code(ids)})"
            calls.append(f"(np.ndarray.__setitem__, {table}, np.s_[:, {which}], {left}),")

    def _handed(self, own: Sequence[str]) -> Iterator[str]:
        yield f"gradients = [{', '.join(own)}]"
        yield "begin(gradients)"
        for k, (key, parameter) in enumerate(self.handed):
            yield f"update({key!r}, {parameter}, gradients[{k}])"


def _free(name: str, taken: AbstractSet[str]) -> str:
    return name if name not in taken else _free(f"{name}_", taken)


def _apart(prefix: str, taken: AbstractSet[str]) -> str:
    """The prefix, longer where a name of the program's is it with a number."""
    while any(name.removeprefix(prefix).isdecimal() for name in taken):
        prefix += "_"
    return prefix


def _listed(parts: Iterable[str]) -> str:
    return f"[{', '.join(parts)}]"


def _natural(node: Node) -> bool:
    """Whether NumPy gives the node's shape and dtype by itself."""
    if node.does(MATMUL) or not is_ufunc(node):
        return True
    arrays = [a for a in node.args if a.number is None]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    return shape == node.shape and computes_in(node) == node.dtype
