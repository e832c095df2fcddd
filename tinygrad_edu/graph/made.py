"""Plain arrays and indices that the caller's code made, as that code, under the names of a graph."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from tinygrad_edu.core.guard import same_values
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.expression.named_settings import index_parts
from tinygrad_edu.graph.code import Said
from tinygrad_edu.graph.code.excerpt import Excerpt, Place
from tinygrad_edu.graph.code.running import Work, run
from tinygrad_edu.graph.code.scope import Unknown
from tinygrad_edu.graph.code.sharing import sharing_in
from tinygrad_edu.graph.code.statements import names_in, needed
from tinygrad_edu.graph.naming import Called, identifier
from tinygrad_edu.ops.indexing.gather_scatter import getitem


@dataclass(frozen=True)
class Made:
    """Code that gives plain arrays of a graph."""

    statements: Sequence[ast.stmt] = ()
    """What has to run before."""
    results: Mapping[str, ast.expr] = field(default_factory=dict)
    """The expressions, by the names of what they give."""
    reads: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    """What the code calls an array or number: the name in the graph, and the value."""

    def only(self, wanted: Iterable[str]) -> Made:
        """What some results need."""
        results = {name: self.results[name] for name in wanted if name in self.results}
        names = set().union(*map(names_in, results.values()))
        statements = [
            statement for statement, _ in needed(self.statements, names, sharing_in(self.statements))
        ]
        return Made(statements, results, {k: v for k, v in self.reads.items() if k in names})

    def values(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """What it gives for other arrays: those that are given by name, else the ones that it was made of.

        Raises:
            Unknown: it fails on them.
        """
        reads = {local: value for local, (_, value) in self.reading(given).reads.items()}
        return run(self.statements, self.results, reads, Work())

    def reading(self, given: Mapping[str, Any]) -> Made:
        """The same of other arrays, given by name."""
        return replace(self, reads={k: (name, given.get(name, v)) for k, (name, v) in self.reads.items()})

    def lines(self, called: Mapping[str, str], new: Callable[[str], str]) -> list[str]:
        """The source of it.

        Args:
            called: what to call the quantities of the graph.
            new: makes an identifier for a variable of the code's own.
        """
        spelt = {local: called[name] for local, (name, _) in self.reads.items()}
        for name, e in self.results.items():
            if isinstance(e, ast.Name):
                spelt.setdefault(e.id, called[name])
        rename = _Renaming(spelt, new)
        lines = [ast.unparse(rename.of(statement)) for statement in self.statements]
        for name, e in self.results.items():
            if not name.isidentifier():  # written where it is used
                continue
            text = ast.unparse(rename.of(e))
            lines += [f"{called[name]} = {text}"] * (text != called[name])
        return lines


class _Renaming(ast.NodeTransformer):
    def __init__(self, called: dict[str, str], new: Callable[[str], str]) -> None:
        self.called, self.new = called, new

    def of(self, node: ast.AST) -> ast.AST:
        return ast.fix_missing_locations(cast("ast.AST", self.visit(copy.deepcopy(node))))

    def visit_Name(self, node: ast.Name) -> ast.Name:
        if node.id not in self.called:
            self.called[node.id] = self.new(node.id)
        return ast.Name(self.called[node.id], node.ctx)


class Making:
    """Finds the code of a graph's plain arrays, and of the indices in it.

    Args:
        operands: of each node of the graph.
        called: what they are called so far.
        said: what the caller's code says. Told what variables called the arrays.
    """

    def __init__(self, operands: Mapping[Tensor, Sequence[Any]], called: Called, said: Said) -> None:
        nodes = [*operands]
        self._excerpt = Excerpt(Work())
        self._given: dict[Any, Any] = {}
        self._picked = [node for node in nodes if any(map(_from_array, _index(node)))]
        leaves = {id(node._data): node for node in nodes if called.is_unknown_data(node)}
        values = {key: leaf._data for key, leaf in leaves.items()} | called.unknown_in_settings(nodes)
        for one, found in said.giving(values, called.origins(nodes)).items():
            key = leaves.get(one, one)
            if self._add(key, found.e, found.where, values[one]) and found.name is not None:
                said.held[key] = found.name
        for node, found in said.picking(self._picked, _index).items():
            parts = found.e.slice.elts if isinstance(found.e.slice, ast.Tuple) else [found.e.slice]
            for k, (part, value) in enumerate(zip(parts, _index(node), strict=True)):
                if _from_array(value):
                    self._add((node, k), part, found.where, value)
        for (node, k), code in said.computed.items():
            value = operands[node][k] if node in operands else None
            where = Place.of(code.scope)
            if type(value) in (int, float) and _reads_arrays(code.expression, where):
                self._add(("number", node, k), code.expression, where, value)
        for key, value in self._excerpt.values().items():  # a later one may have changed what it is made of
            if not same_values(value, self._given[key]):
                del self._excerpt.results[key]
        said.read = self._excerpt.reads

    def __bool__(self) -> bool:
        return bool(self._excerpt.results)

    def _add(self, key: Any, e: ast.expr, where: Place, value: Any) -> bool:
        try:
            made = self._excerpt.add(key, e, where)
        except Unknown:
            made = None
        if made is not None and same_values(made, value):
            self._given[key] = value
            return True
        self._excerpt.results.pop(key, None)
        return False

    def under(self, called: Called) -> Made:
        """The code under the names of the graph, which is told how code writes the arrays in settings."""
        excerpt = self._excerpt
        reads = {local: (called.reads[local], value) for local, value in excerpt.reads.items()}
        rename = _Renaming({local: name for local, (name, _) in reads.items()}, str)
        results = {}
        for key, e in excerpt.results.items():
            if isinstance(key, Tensor):
                name = called.names[key]
            elif key in called.arrays:
                name = called.arrays[key]
            elif isinstance(key, tuple) and isinstance(key[0], str):
                name = called.counts[key[1:]] = called.new(identifier(ast.unparse(rename.of(e))))
            else:
                alone = names_in(e) <= {"np", *reads}
                name = called.written[key] = ast.unparse(rename.of(e)) if alone else called.new("index_1")
            results[name] = e
        return Made(excerpt.statements, results, reads)


def _reads_arrays(e: ast.expr, where: Place) -> bool:
    """Whether a number is that of arrays, such as a size."""
    alone = Excerpt(Work())
    try:
        alone.add(0, e, where)
    except Unknown:
        return False
    return any(np.ndim(value) for value in alone.reads.values())


def _index(node: Tensor) -> tuple[Any, ...]:
    """The parts of the index by which a node was picked."""
    picks = node.op is not None and node.op.kernel == getitem.kernel
    return index_parts(node.settings["index"]) if picks else ()


def _from_array(part: Any) -> bool:
    """Whether it is a number that was taken from an array."""
    return isinstance(part, np.integer)
