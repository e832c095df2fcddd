"""Code of the caller's that gives a plain array, cut out so that it runs alone.

``Y = np.zeros((4, m)); Y[y, k] = 1`` is not one expression. What is cut out are the statements that
Y needs, with the functions that they call put in, down to the arrays and numbers that the caller holds.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.graph.code.calls import called
from tinygrad_edu.graph.code.plain import is_data, only_reads, plain
from tinygrad_edu.graph.code.running import BUILTINS, Work, run
from tinygrad_edu.graph.code.scope import Scope, Unknown
from tinygrad_edu.graph.code.sharing import Sharing
from tinygrad_edu.graph.code.statements import changed, names_in, needed, written_into

_ATTRIBUTES = ("T", "shape", "size", "ndim", "dtype")
_METHODS = ("astype", "item", "tolist")
_WRITING = (np.fill_diagonal, np.put_along_axis, np.put, np.copyto)
_STRUCTURE = (
    ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Tuple, ast.List, ast.Slice, ast.Starred,
    ast.Subscript,
)  # fmt: skip
_Names = dict[str, str]
"""What variables are called in the excerpt."""


@dataclass(eq=False)
class Place:
    """Where an expression stands: in a function, or in one round of a loop."""

    scope: Scope
    block: Sequence[ast.stmt]
    """The statements before it."""
    outer: Place | None = None
    """For a round of a loop: what is around the loop."""
    variables: Mapping[str, ast.expr] = field(default_factory=dict)
    """For a round of a loop: its variables, to be read outside of it."""
    first: bool = True
    """Whether no round came before, that could have left something."""
    call: tuple[Place, _Names] | None = None
    """For a function that is put in: where it is called."""
    whole: Place | None = None
    """The same with all of its statements."""

    @classmethod
    def of(cls, scope: Scope) -> Place:
        """The end of a function."""
        return cls(scope, () if scope.body is None else scope.body.block)

    @property
    def sharing(self) -> Sharing:
        """The variables of the function whose memory may be one."""
        return {} if self.scope.body is None else self.scope.body.sharing

    @property
    def changed(self) -> set[str]:
        """The variables that the statements change."""
        return changed(self.block, self.sharing)

    def before(self, k: int) -> Place:
        """The place before one of the statements."""
        return replace(self, block=self.block[:k], whole=self.whole or self)


class Excerpt:
    """Statements, what they read, and the expressions that give what is wanted.

    Args:
        work: how much of the code may be run.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.statements: list[ast.stmt] = []
        self.reads: dict[str, Any] = {}
        """The caller's arrays, Tensors and numbers, by what they are called here."""
        self.results: dict[Any, ast.expr] = {}
        self.taken = {"np", "results", *BUILTINS}
        self._block = self.statements
        self._known: dict[tuple[Place, str], ast.expr | None] = {}
        self._locals: dict[Place, _Names] = {}
        self._there: set[tuple[Place, int, str]] = set()

    def add(self, key: Any, e: ast.expr, place: Place) -> Any:
        """Cuts an expression out, and gives its value.

        Raises:
            Unknown: it is not made of plain values, or does not only read.
        """
        self.results[key] = made = self._expression(e, place, {})
        return run(self.statements, {key: made}, self.reads, self.work)[key]

    def values(self) -> dict[Any, Any]:
        """What the results come to."""
        return run(self.statements, self.results, self.reads, self.work)

    def text(self, key: Any) -> str:
        """All of it as source; two of one text are the same."""
        module = ast.Module([*self.statements, ast.Expr(self.results[key])], [])
        return ast.unparse(ast.fix_missing_locations(module)) + repr([*map(id, self.reads.values())])

    # ------------------------------------------------------------------------------------ expressions

    def _expression(self, e: ast.expr, place: Place, local: _Names) -> ast.expr:
        self.work.read()
        if isinstance(e, ast.Constant):
            return e
        if isinstance(e, ast.Name):
            return ast.Name(local[e.id], ast.Load()) if e.id in local else self._name(e.id, place)
        if isinstance(e, ast.Call):
            return self._call(e, place, local)
        if isinstance(e, (ast.ListComp, ast.GeneratorExp)):
            return self._comprehension(e, place, local)
        if isinstance(e, (ast.Attribute, ast.Subscript)):
            return self._part(e, place, local)
        if isinstance(e, _STRUCTURE):
            return _sum(self._same(e, place, local))
        raise Unknown

    def _same(self, e: Any, place: Place, local: _Names) -> ast.expr:
        """The expression with its parts put in."""

        def inside(part: Any) -> Any:
            return self._expression(part, place, local) if isinstance(part, ast.expr) else part

        fields = {n: [*map(inside, v)] if isinstance(v, list) else inside(v) for n, v in ast.iter_fields(e)}
        made: ast.expr = type(e)(**fields)
        return made

    def _part(self, e: ast.Attribute | ast.Subscript, place: Place, local: _Names) -> ast.expr:
        """An entry of an array or an attribute; of any other object what it holds."""
        if isinstance(e, ast.Subscript) or e.attr in _ATTRIBUTES:
            try:
                return self._same(e, place, local)
            except Unknown:
                pass
        if names_in(e) & local.keys():
            raise Unknown
        while place.outer is not None and not names_in(e) & (place.variables.keys() | place.changed):
            place = place.outer
        if place.outer is not None:
            raise Unknown
        value = plain(e, place.scope)
        if isinstance(e, ast.Attribute) and isinstance(value, float) and vars(np).get(e.attr) is value:
            return _attribute("np", e.attr)  # np.pi
        return self._value(value, e.attr if isinstance(e, ast.Attribute) else _key(e))

    def _comprehension(self, e: Any, place: Place, local: _Names) -> ast.expr:
        local = dict(local)
        generators = []
        for part in e.generators:
            over = self._expression(part.iter, place, local)
            target = self._target(part.target, place, local)
            tests = [self._expression(test, place, local) for test in part.ifs]
            generators.append(ast.comprehension(target, over, tests, 0))
        made: ast.expr = type(e)(self._expression(e.elt, place, local), generators)
        return made

    def _call(self, e: ast.Call, place: Place, local: _Names) -> ast.expr:
        inner = called(e, place.scope, plain)
        if len(inner) == 1 and inner[0].body is not None and len(inner[0].body.returned) == 1:
            body = inner[0].body
            if any(isinstance(n, ast.Name) and n.id in local for n in ast.walk(e.func)):
                raise Unknown
            return self._expression(
                body.returned[0], Place(inner[0], body.block, call=(place, dict(local))), {}
            )
        operands = [self._expression(part, place, local) for part in e.args]
        settings = [ast.keyword(k.arg, self._expression(k.value, place, local)) for k in e.keywords]
        if any(k.arg in (None, "out") for k in e.keywords):
            raise Unknown
        return ast.Call(self._function(e.func, place, local), operands, settings)

    def _function(self, e: ast.expr, place: Place, local: _Names) -> ast.expr:
        if isinstance(e, ast.Name) and e.id in BUILTINS and e.id not in {*local, *place.scope.names}:
            return ast.Name(e.id, ast.Load())
        try:
            function = plain(e, place.scope)
        except Unknown:
            if not isinstance(e, ast.Attribute) or not _is_reading_method(e.attr):
                raise
            return ast.Attribute(self._expression(e.value, place, local), e.attr, ast.Load())
        reads = only_reads(function) or any(function is writing for writing in _WRITING)
        found = _of_numpy(function) if reads else None
        if found is None:
            raise Unknown
        return found

    # ------------------------------------------------------------------------------------------ names

    def _name(self, name: str, place: Place) -> ast.expr:
        key = place, name
        if key not in self._known:
            self._known[key] = None  # of a name that is worked out from itself
            self._known[key] = self._meaning(name, place)
        found = self._known[key]
        if found is None:
            raise Unknown
        return found

    def _meaning(self, name: str, place: Place) -> ast.expr:
        if name in place.variables and place.outer is not None:
            return self._expression(place.variables[name], place.outer, {})
        scope = place.scope
        bound = name in place.changed
        if bound and (place.outer is not None or scope.depth or name in scope.changing):
            return self._cut(name, place)
        if place.outer is not None:
            if not place.first and name in (place.whole or place).changed:
                raise Unknown  # what the round before left
            return self._name(name, place.outer)
        if name in scope.parameters:
            e, where = scope.parameters[name]
            calling = place.call if place.call is not None and place.call[0].scope is where else None
            return self._argument(name, e, *(calling or (Place.of(where), {})))
        if name not in scope.names:
            if name in ("bool", "float", "int"):
                return ast.Name(name, ast.Load())
            raise Unknown
        value = scope.names[name]
        if bound and _is_number(value) and self._is_computed(name, value, place):
            return self._cut(name, place)
        return self._value(value, name)

    def _is_computed(self, name: str, value: Any, place: Place) -> bool:
        """Whether a number is that of arrays: ``m = X.shape[1]``."""
        alone = Excerpt(self.work)
        try:
            alone.results[name] = alone._cut(name, place)
            again = alone.values()[name]
        except Unknown:
            return False
        return bool(alone.reads) and type(again) is type(value) and bool(again == value)

    def _argument(self, name: str, e: ast.expr, place: Place, local: _Names) -> ast.expr:
        given = self._expression(e, place, local)
        if isinstance(given, (ast.Name, ast.Constant)):
            return given
        own = self._fresh(name)
        self._block.append(ast.Assign([ast.Name(own, ast.Store())], given))
        return ast.Name(own, ast.Load())

    def _value(self, value: Any, name: str) -> ast.expr:
        """What the caller holds: an input of the excerpt, or written as it is."""
        if value is None or type(value) in (bool, str):
            return ast.Constant(value)
        if isinstance(value, type) or value is np:
            return _of_types(value)
        if type(value) in (tuple, list) and all(map(_is_number, value)):
            made = ast.Tuple if isinstance(value, tuple) else ast.List
            return made([*map(ast.Constant, value)], ast.Load())
        if not is_data(value._data if isinstance(value, Tensor) and not value.requires_grad else value):
            raise Unknown
        for known, other in self.reads.items():
            if other is value and (not _is_number(value) or known == name):
                return ast.Name(known, ast.Load())
        own = self._fresh(name)
        self.reads[own] = value
        return ast.Name(own, ast.Load())

    def _fresh(self, name: str) -> str:
        while name in self.taken:
            name += "_"
        self.taken.add(name)
        return name

    # ------------------------------------------------------------------------------------- statements

    def _cut(self, name: str, place: Place) -> ast.expr:
        """What a variable holds after the statements that it needs."""
        local = self._locals.setdefault(place.whole or place, {})
        live = place.outer is None and not place.scope.depth
        among = {name, *place.scope.changing} if live else None
        for statement, whole in needed(place.block, {name}, place.sharing, among):
            key = place.whole or place, id(whole), ast.unparse(statement)
            if key not in self._there:
                self._there.add(key)
                self._statement(statement, place.before(place.block.index(whole)), local)
        if name not in local:
            raise Unknown
        return ast.Name(local[name], ast.Load())

    def _statement(self, s: ast.stmt, place: Place, local: _Names) -> None:
        made: ast.stmt
        if isinstance(s, ast.Assign):
            value = self._expression(s.value, place, local)
            made = ast.Assign([self._target(target, place, local) for target in s.targets], value)
        elif isinstance(s, ast.AugAssign):
            value = self._expression(s.value, place, local)
            if isinstance(s.target, ast.Name) and s.target.id not in local:
                raise Unknown  # what the caller holds
            made = ast.AugAssign(self._target(s.target, place, local), s.op, value)
        elif isinstance(s, ast.For) and not s.orelse:
            over = self._expression(s.iter, place, local)
            made = ast.For(self._target(s.target, place, local), over, [], [])
            self._inside(made.body, s.body, place, local)
        elif isinstance(s, ast.If):
            made = ast.If(self._expression(s.test, place, local), [], [])
            self._inside(made.body, s.body or [ast.Pass()], place, local)
            self._inside(made.orelse, s.orelse, place, local)
        elif isinstance(s, ast.Expr) and isinstance(s.value, ast.Call):
            made = ast.Expr(self._writing(s.value, place, local))
        elif isinstance(s, ast.Pass):
            made = s
        else:
            raise Unknown
        self._block.append(made)

    def _inside(self, made: list[ast.stmt], block: Iterable[ast.stmt], place: Place, local: _Names) -> None:
        before, self._block = self._block, made
        known = dict(self._known)  # what is worked out inside is not there outside
        for statement in block:
            self._statement(statement, place, local)
        self._block, self._known = before, known

    def _writing(self, e: ast.Call, place: Place, local: _Names) -> ast.expr:
        root = written_into(e)
        if root not in local:
            raise Unknown
        if isinstance(e.func, ast.Attribute) and e.func.attr == "append":
            values = [self._expression(part, place, local) for part in e.args]
            function = ast.Attribute(ast.Name(local[root], ast.Load()), "append", ast.Load())
            return ast.Call(function, values, [])
        return self._call(e, place, local)

    def _target(self, e: ast.expr, place: Place, local: _Names) -> Any:
        if isinstance(e, ast.Name):
            local.setdefault(e.id, "")
            local[e.id] = local[e.id] or self._fresh(e.id)
            return ast.Name(local[e.id], ast.Store())
        if isinstance(e, (ast.Tuple, ast.List)):
            return ast.Tuple([self._target(part, place, local) for part in e.elts], ast.Store())
        if isinstance(e, ast.Subscript) and isinstance(e.value, ast.Name) and e.value.id in local:
            within = ast.Name(local[e.value.id], ast.Load())
            return ast.Subscript(within, self._expression(e.slice, place, local), ast.Store())
        raise Unknown


def _sum(e: ast.expr) -> ast.expr:
    """``2 - 1`` as 1."""
    if not isinstance(e, ast.BinOp) or not isinstance(e.op, (ast.Add, ast.Sub)):
        return e
    a, b = (side.value if isinstance(side, ast.Constant) else None for side in (e.left, e.right))
    if type(a) is not int or type(b) is not int:
        return e
    value = a + b if isinstance(e.op, ast.Add) else a - b
    return ast.Constant(value) if value >= 0 else e


def _is_number(value: Any) -> bool:
    return is_data(value) and not isinstance(value, np.ndarray)


def _of_types(value: Any) -> ast.expr:
    """NumPy itself, or a type of numbers, by the name."""
    name: str = value.__name__
    if value is np or value in (bool, float, int):
        return ast.Name("np" if value is np else name, ast.Load())
    if issubclass(value, np.generic) and vars(np).get(name) is value:
        return _attribute("np", name)
    raise Unknown


def _is_reading_method(name: str) -> bool:
    """Whether it is a method of arrays that reads; one that changes the array gives nothing."""
    return name in _METHODS or (hasattr(np.ndarray, name) and only_reads(getattr(np, name, None)))


def _of_numpy(function: Any) -> ast.expr | None:
    """A function of NumPy's by its name."""
    name: str = function.__name__
    for path, module in (("np", np), ("np.linalg", np.linalg)):
        if getattr(module, name, None) is function:
            return _attribute(path, name)
    return None


def _attribute(path: str, name: str) -> ast.expr:
    return ast.parse(f"{path}.{name}", mode="eval").body


def _key(e: ast.Subscript) -> str:
    key = e.slice.value if isinstance(e.slice, ast.Constant) else None
    return key if isinstance(key, str) and key.isidentifier() else "array"
