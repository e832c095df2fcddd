"""The chain rule, line by line: a Program's named quantities, each as one formula of those before it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tinygrad_edu.derivation.algebra import Algebra
from tinygrad_edu.derivation.context import Surroundings
from tinygrad_edu.derivation.examples import Examples
from tinygrad_edu.derivation.fractions import Form
from tinygrad_edu.derivation.m_in_settings import given_arrays
from tinygrad_edu.derivation.number_inputs import Named
from tinygrad_edu.expression.arithmetic import (
    DIVIDE,
    EXP,
    MULTIPLY,
    SUBTRACT,
    SUM,
    constant,
    plain,
)  # fmt: skip
from tinygrad_edu.expression.book import in_shape
from tinygrad_edu.expression.guards import on_paper, unguarded
from tinygrad_edu.expression.named_settings import Held, Picked, held, replaced_in
from tinygrad_edu.expression.node import Node, applied, quantity
from tinygrad_edu.expression.numpy_style import counts_up
from tinygrad_edu.expression.walk import parts, quantities, rebuilt, replaced, with_args
from tinygrad_edu.graph import Made, Program, Ref, Step
from tinygrad_edu.graph.naming import unique

Convention = Literal["course", "exact"]

_FORWARD_SIZE, _BACKWARD_SIZE = 24, 60
"""How long an unnamed intermediate may grow before it gets a line of its own."""

_REAL_GAIN = 0.25
"""How much shorter a formula must become for a gradient from further back to be substituted."""


@dataclass(frozen=True)
class Line:
    """A quantity and its formula."""

    step: Step
    expression: Node
    """In the form for code: safe where a term vanishes."""
    on_paper: Node
    """In the form for formulas on paper."""
    per_example: bool = False
    """Whether it is m times the derivative of J, one column per example."""
    raw: Node | None = None
    """For a gradient, the result of the rules: in derivatives of J, not simplified."""
    cancelled: Node | None = None
    """A denominator of the chain rule taken factor by factor that cancelled in this formula."""

    overflows: Node | None = None
    """An exponential of the chain rule taken factor by factor that this formula does not need."""

    @property
    def name(self) -> str:
        """Its name."""
        return self.step.name

    @property
    def quantity(self) -> Node:
        """The expression that names it."""
        return quantity(self.step.name, self.step.shape, self.step.dtype)


class Chain:
    """The lines of a program, forward and backward, in an order in which they can be computed.

    Args:
        program: forward and backward.
        examples: what is known of m.
        convention: ``"course"``: what belongs to each example is m times the derivative of J, and 1/m
            enters where the examples are summed. ``"exact"``: every line is the derivative of J.
        named: which inputs are plain numbers.
        made: the caller's code for some inputs.
    """

    def __init__(
        self,
        program: Program,
        examples: Examples | None,
        convention: Convention,
        named: Named,
        made: Made,
    ) -> None:
        self.program = program
        self.named = named
        self.examples = examples
        self.asked = convention if examples is not None else "exact"
        self.m = quantity(named.count or ("m" if "m" not in program else "examples"))
        self.given = Surroundings(
            examples=examples,
            m=self.m,
            data={s.name: s.value for s in (*program.inputs, *program.forward) if not s.requires_grad},
            gradients={s.name for s in program.backward},
            patience=50 if len(program) < 400 else 15,
        )
        self.algebra = Algebra(self.given)
        self.inputs: list[Step] = []
        self.forward: list[Line] = []
        self.backward: list[Line] = []
        self._meaning: dict[str, Node] = {}
        self._picked: dict[int, str] = {}
        self._taken = {step.name: 1 for step in program}
        self._gradients = _following(program.backward, {s.name for s in program.backward if s.role == "seed"})
        self._derived = _following(program.forward, {s.name for s in program.inputs if is_seed(s)})
        self._chosen: dict[Node, Node] = {}
        for step in program:
            self._meaning[step.name] = self._enter(step)
        there = {step.name for step in self.inputs}
        arrays = (array for step in program for array in given_arrays(step.settings))
        indices = {array.called: array for array in arrays if array.called not in there}
        self.inputs += [Step(name, "input", None, (), {}, np.asarray(a)) for name, a in indices.items()]
        self.made = made.only(step.name for step in self.inputs)

    @property
    def convention(self) -> Convention:
        """The convention that the lines are in: the course's, where something in them is per example."""
        return "course" if any(line.per_example for line in self.backward) else "exact"

    @property
    def line_up(self) -> str:
        """Whether the examples stand in rows or in columns."""
        return "row" if self.examples is not None and self.examples.rows else "column"

    def fits_convention(self) -> bool:
        """Whether 1/m is gone from all that belongs to single examples, as the course would have it."""
        return not any(self.m in parts(line.expression) for line in self.backward if line.per_example)

    def _enter(self, step: Step) -> Node:
        """How later steps refer to this one: its name, or its expression."""
        if step.name == self.named.count:
            return self.m
        if step.role == "input" or "rng" in step.settings:  # what was drawn is given, too
            return self._input(step)
        expression = self._computed(step)
        if step.role == "seed" and step.of not in self.program.wrt:
            return expression
        if step.role == "forward":
            derived = step.name in self._derived
            if self._has_a_line(step, expression, _BACKWARD_SIZE if derived else _FORWARD_SIZE):
                return self._forward_line(step, expression, derived)
            return expression
        expression = self.given.known(expression)
        if self._has_a_line(step, expression, _BACKWARD_SIZE):
            return self._backward_line(step, expression)
        return expression

    def _input(self, step: Step) -> Node:
        if not step.named and not step.requires_grad and step.shape == () and step.dtype.kind == "f":
            return constant(step.value)
        self.inputs.append(step)
        return quantity(step.name, step.shape, step.dtype)

    def _has_a_line(self, step: Step, expression: Node, size: int) -> bool:
        wanted = step.of in self.program.wrt if step.of else step.name == self.program.output
        return step.named or wanted or (expression.op is not None and expression.size > size)

    def _computed(self, step: Step) -> Node:
        if step.op is None:
            if step.args:
                return self._meaning[step.args[0].name]
            return in_shape(constant(step.value), step.shape, step.dtype)
        args = [self._operand(step, k, arg) for k, arg in enumerate(step.args)]
        settings: Mapping[str, Any] = step.settings
        if settings and self.examples is not None:
            settings = self.examples.settings(step, self.m.called)
        if "index" in settings:
            settings = {**settings, "index": replaced_in(settings["index"], self._asked_for)}
        return applied(step.op, *args, shape=step.shape, dtype=step.dtype, settings=settings)

    def _asked_for(self, part: Any) -> Any:
        """An index that was data, and that no code in sight gives, as an input."""
        data = isinstance(part, np.ndarray) and not isinstance(part, Held) and not counts_up(part)
        if not data and not isinstance(part, np.integer):
            return part
        if id(part) not in self._picked:
            name = unique("index_1", self._taken)
            self._picked[id(part)] = name
            self.inputs.append(Step(name, "input", None, (), {}, np.asarray(part)))
        name = self._picked[id(part)]
        return held(part, name) if data else Picked(int(part), name, given=True)

    def _operand(self, step: Step, k: int, arg: Ref | Any) -> Node:
        if isinstance(arg, Ref):
            return self._meaning[arg.name]
        mask = self.examples.masked.get((step.name, k)) if self.examples is not None else None
        if mask is not None:
            return applied(SUM, quantity(mask.called, mask.shape, np.bool_), dtype=np.int64)
        multiple = self.examples.multiple(step, k, arg) if self.examples is not None else None
        if multiple is None:
            return in_shape(constant(arg), np.shape(arg), np.asarray(arg).dtype)
        return self._in_m(*multiple)

    def _in_m(self, factor: float, power: int) -> Node:
        if power < 0:
            return applied(DIVIDE, plain(factor), self.m)
        return self.m if factor == 1 else applied(MULTIPLY, plain(factor), self.m)

    def with_m(self, e: Node) -> Node:
        """A formula as it was recorded, with m by its name."""
        examples = self.examples
        if examples is None:
            return e

        def change(part: Node) -> Node | None:
            if part.op is None or not any(a.is_number for a in part.args):
                return None
            found = [
                examples.factor(part.rule, k, a.value) if a.is_number else None
                for k, a in enumerate(part.args)
            ]
            args = zip(part.args, found, strict=True)
            return with_args(part, [rebuilt(a, change) if m is None else self._in_m(*m) for a, m in args])

        return rebuilt(e, change)

    def _forward_line(self, step: Step, expression: Node, derived: bool) -> Node:
        """The formula as it was written. That of a gradient (create_graph) in its shortest form."""
        line = Line(step, expression, on_paper(expression))
        if derived:
            line = Line(step, *self._written(self.algebra.simplest(self.algebra.form(expression)), step))
        self.forward.append(line)
        self.algebra.define(line.quantity, expression)
        return line.quantity

    def _written(self, form: Form, step: Step) -> tuple[Node, Node]:
        """The formula in the form for code, and in the form for paper."""
        shown = self.algebra.tree(self.algebra.simplest(form, on_paper=True))
        return in_shape(self.algebra.tree(form), step.shape, step.dtype), on_paper(shown)

    def _backward_line(self, step: Step, raw: Node) -> Node:
        per_example = self._is_per_example(step)
        found: list[tuple[float, int, Form, Node]] = []
        for expression in self._options(raw):
            form = self.algebra.simplest(self.algebra.form(self._in_convention(expression, per_example)))
            worth_it = _REAL_GAIN if found else 0.0
            found.append((self.algebra.measure(form) + worth_it, len(found), form, expression))
        _, place, form, expression = min(found)
        cancelled = self._cancelled(expression, form) if place else None
        line = Line(
            step, *self._written(form, step), per_example, raw, cancelled, self._spared(expression, form)
        )
        self.backward.append(line)
        self._chosen[line.quantity] = (
            applied(DIVIDE, line.expression, self.m, dtype=step.dtype) if per_example else line.expression
        )
        return line.quantity

    def local(self, line: Line) -> tuple[str, Node] | None:
        """``A2, A2 (1 - A2)``: whose gradient is multiplied by what, entry by entry, to give that line's.

        The output's own gradient is 1. None where several gradients meet, or entries mix.
        """
        raw = line.raw
        if raw is None:
            return None
        gradients = [q for q in quantities(raw) if q in self._chosen]
        form = self.algebra.form(raw)
        if len(gradients) > 1:
            return None
        if gradients:
            (g,) = gradients
            form = self.algebra.simplest(form / self.algebra.symbol(g), on_paper=True)
            if any(g in parts(self.algebra.meaning[s]) for s in form.free_symbols):
                return None
        after = self.program[gradients[0].called].of if gradients else self.program.output
        expression = on_paper(self.algebra.tree(self.algebra.simplest(form, on_paper=True)))
        return None if after is None else (after, expression)

    def _is_per_example(self, step: Step) -> bool:
        if self.asked == "exact" or self.examples is None:
            return False
        return step.name in self.examples.along and step.name in self._gradients

    def _options(self, raw: Node) -> Iterator[Node]:
        """The formula, and variants with gradients from further back substituted."""
        yield raw
        further = {
            q: self._chosen[q]
            for q in quantities(raw)
            if q in self._chosen and _entry_by_entry(self._chosen[q])
        }
        for q, expression in further.items():
            yield replaced(raw, {q: expression})
        if len(further) > 1:
            yield replaced(raw, further)

    def _in_convention(self, expression: Node, per_example: bool) -> Node:
        """The formula, which is of derivatives of J, in the quantities of the convention."""
        scaled = {
            line.quantity: applied(DIVIDE, line.quantity, self.m, dtype=line.step.dtype)
            for line in self.backward
            if line.per_example
        }
        expression = replaced(expression, scaled)
        return applied(MULTIPLY, expression, self.m, dtype=expression.dtype) if per_example else expression

    def _cancelled(self, expression: Node, form: Form) -> Node | None:
        """The denominators that cancelled when gradients from further back were substituted."""
        before = self.algebra.denominator(expression)
        after = self.algebra.sympy.denom(self.algebra.sympy.together(form))
        kept = self.algebra.sympy.Mul.make_args(after)
        gone = [f for f in before if f not in kept and -f not in kept and self._may_vanish(f)]
        if not gone:
            return None
        signed = [-f if f.is_Add and any(t.is_Number and t < 0 for t in f.args) else f for f in gone]
        return unguarded(self.algebra.tree(self.algebra.sympy.Mul(*signed)))

    def _spared(self, expression: Node, form: Form) -> Node | None:
        """An exponential of the formula that its shortest form is free of."""
        gone = self.algebra.form(expression).free_symbols - form.free_symbols
        meanings = sorted((self.algebra.meaning[s] for s in gone), key=repr)
        return next((e for e in meanings if e.does(EXP)), None)

    def _may_vanish(self, form: Form) -> bool:
        """Whether it is made of named values alone; 1 + e^-z, say, is not, and is never 0."""
        meanings = [self.algebra.meaning[s] for s in form.free_symbols]
        return (not form.is_Pow or form.exp.is_number) and all(_arithmetic(unguarded(e)) for e in meanings)


def _following(steps: Iterable[Step], first: set[str]) -> set[str]:
    """Those steps and all that are computed from them."""
    found = set(first)
    for step in steps:
        if any(name in found for name in step.uses):
            found.add(step.name)
    return found


def is_seed(step: Step) -> bool:
    """The 1 that a recorded backward pass (create_graph) starts from."""
    return not step.named and not step.requires_grad and step.shape == () and bool(step.value == 1)


def _arithmetic(e: Node) -> bool:
    return e.op is None or (e.does(SUBTRACT) and all(map(_arithmetic, e.args)))


def _entry_by_entry(expression: Node) -> bool:
    """Whether it is arithmetic alone, so that substituting it can make something shorter."""
    if expression.op is not None and expression.size > _BACKWARD_SIZE:
        return False
    return all(
        p.rule.kind == "elementwise" or p.rule.silent or "axis" in p.settings
        for p in parts(expression)
        if p.op is not None
    )
