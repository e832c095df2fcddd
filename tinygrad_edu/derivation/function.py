"""``def gradients(X, Y, W1, ...)``: a chain of formulas as one complete function of NumPy alone."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import Any

import numpy as np

from tinygrad_edu.derivation.chain_rule import Chain, Line
from tinygrad_edu.derivation.dtypes import computed_in_floats
from tinygrad_edu.derivation.examples import holds_m
from tinygrad_edu.derivation.line_breaking import WIDTH, assignment, paragraph
from tinygrad_edu.derivation.m_in_settings import counts_examples
from tinygrad_edu.expression.definitions import definitions
from tinygrad_edu.expression.named_settings import Count
from tinygrad_edu.expression.node import Node, applied, quantity
from tinygrad_edu.expression.numpy_style import NumPy, needing_definitions
from tinygrad_edu.expression.walk import in_order, parts, quantities, rebuilt, replaced
from tinygrad_edu.expression.writer import write
from tinygrad_edu.graph import Step
from tinygrad_edu.graph.naming import identifier

_INDENT = "    "


def numpy_source(chain: Chain) -> str:
    """The source of the function: the needed part of the forward pass, then the gradients, no unused line."""
    return _Function(chain).source()


class _Function:
    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.m = chain.m.called
        self.settings = {*chain.named.settings}
        self.wrt = [chain.program.gradients[name].name for name in chain.program.wrt]
        lines = _needed([*chain.forward, *chain.backward], self.wrt)
        self.line_of = {line.name: line for line in lines}
        taken = {step.name for step in (*chain.program, *chain.inputs)}
        recorded = set(in_order(*(line.expression if line.raw is None else line.raw for line in lines)))
        formulas = [(x.name, computed_in_floats(x.expression, x.step.dtype, recorded)) for x in lines]
        named = list(_with_shared_parts(formulas, taken))
        self.made = chain.made
        self.inputs = sorted(self._given(), key=lambda step: (step.name in self.settings, step.requires_grad))
        self.operations = list(dict.fromkeys(e.op for _, x in named for e in parts(x) if e.op is not None))
        self.helpers = needing_definitions(self.operations)
        called = [e for _, x in named for e in parts(x) if e.op in self.helpers]
        self.floats = all(a.dtype.kind == "f" for e in called for a in e.args)
        self.called = _identifiers(
            [*(x.name for x in self.inputs), *self.made.results, *(name for name, _ in named), self.m],
            {"np", "gradients", *(op.name for op in self.helpers)},
        )
        self.lines = [(name, _renamed(self._counting(e), self.called)) for name, e in named]
        self.counted = any(
            p.called == self.called[self.m] or counts_examples(p.settings)
            for _, x in self.lines
            for p in parts(x)
        ) or any(self.line_of[name].per_example for name in self.wrt)
        self.counted = self.counted or any(self._is_m(*read) for read in self.made.reads.values())

    def _given(self) -> list[Step]:
        """The inputs, with what the code of some of them reads in their place."""
        given = [step for step in self.chain.inputs if step.name not in self.made.results]
        there = {step.name for step in given}
        for name, value in self.made.reads.values():
            if name not in there and not self._is_m(name, value):
                there.add(name)
                given.append(Step(name, "input", None, (), {}, np.asarray(value)))
                if np.ndim(value) == 0:
                    self.settings.add(name)
        return given

    def _is_m(self, name: str, value: Any) -> bool:
        examples = self.chain.examples
        return examples is not None and holds_m(name, value, examples.counted_by)

    def _counting(self, expression: Node) -> Node:
        """With m by its name in what is repeated to a shape, where no other size could be meant."""
        examples = self.chain.examples
        if examples is None:
            return expression

        def change(e: Node) -> Node | None:
            given = e.settings.get("shape", ())
            sizes = given if isinstance(given, (tuple, list)) else (given,)
            if e.op is None or not e.op.silent or examples.sizes.isdisjoint(sizes):
                return None
            shape = tuple(Count(n, self.m, examples.m) if n in examples.sizes else n for n in sizes)
            args = [rebuilt(a, change) for a in e.args]
            return applied(e.op, *args, settings={**e.settings, "shape": shape}, shape=e.shape, dtype=e.dtype)

        return rebuilt(expression, change)

    def source(self) -> str:
        """The whole text."""
        blocks = ["import numpy as np"]
        if self.helpers:
            blocks.append(definitions(self.helpers, floats=self.floats))
        head = f"def gradients({', '.join(map(self.parameter, self.inputs))}):"
        blocks.append("\n".join([head, *self.docstring(), *self.examples(), *self.body(), *self.result()]))
        return "\n\n\n".join(blocks) + "\n"

    def parameter(self, step: Step) -> str:
        """How an input stands in the head: a plain number with the value that it had."""
        return self.called[step.name] + (f"={step.value.item()!r}" if step.name in self.settings else "")

    def docstring(self) -> Iterator[str]:
        """The docstring: arguments with shapes, results, and the meaning of the letters."""
        program = self.chain.program
        wrt = _listed([_told(name) for name in program.wrt])
        yield f'{_INDENT}"""The derivatives of {_told(program.output)} with respect to {wrt}.'
        yield ""
        inputs = (f"{self.called[step.name]} {self.shape(step)}" for step in self.inputs)
        yield from paragraph(f"Given: {', '.join(inputs)}.", _INDENT)
        if any(line.per_example for line in self.line_of.values()):
            yield from paragraph(
                f"{self._per_example()}: {self.m} times the derivative of {program.output}, one "
                f"{self.chain.line_up} per example; 1/{self.m} enters where the examples are summed.",
                _INDENT,
            )
        for name, fact in self.chain.given.assumed.items():
            yield from paragraph(f"Of {_told(name)} it is taken that {fact}.", _INDENT)
        results = (f"{_told(name)} {self.shape(program[name])}" for name in self.wrt)
        yield from paragraph(f"Gives a dictionary: {', '.join(results)}.", _INDENT)
        yield f'{_INDENT}"""'

    def _per_example(self) -> str:
        return _listed([self.called[line.name] for line in self.line_of.values() if line.per_example])

    def shape(self, step: Step) -> str:
        """The shape, with m where the examples stand."""
        sizes = [str(n) for n in step.shape]
        examples = self.chain.examples
        if self.counted and examples is not None:
            for k in examples.along.get(step.name, ()):
                sizes[k] = self.called[self.m]
        return f"({', '.join(sizes)}{',' * (len(sizes) == 1)})"

    def examples(self) -> Iterator[str]:
        """m, told from an input's shape, and the inputs that code makes."""
        counts = {name: self.called[self.m] for name, v in self.made.reads.values() if self._is_m(name, v)}
        taken = {*self.called.values()}
        texts = self.made.lines(self.called | counts, lambda name: _new(name, taken))
        made = [line for text in texts for line in text.split("\n")]
        examples = self.chain.examples
        if self.counted and examples is not None:
            given = [step.name for step in self.inputs]
            source = next(name for name in (*given, *self.made.results) if examples.along.get(name))
            size = f"{self.called[self.m]} = {self.called[source]}.shape[{examples.along[source][0]}]"
            made.insert(0 if source in given else len(made), size)
        yield from (f"{_INDENT}{line}" for line in made)

    def body(self) -> Iterator[str]:
        """The lines, in order, an empty one between forward and backward."""
        like = {
            (step.shape, step.dtype): self.called[step.name]
            for step in reversed(self.inputs)
            if self._tells(step.shape)
        }
        there = {step.name for step in self.inputs}
        turned = False
        for name, expression in self.lines:
            line = self.line_of.get(name)
            if line is not None and line.step.role != "forward" and not turned:
                turned = True
                if there - {step.name for step in self.inputs}:
                    yield ""
            own = like
            if line is not None and line.step.of in there:  # what is repeated for dZ has the shape of Z
                own = like | {(line.step.shape, line.step.dtype): self.called[line.step.of]}
            yield assignment(self.called[name], write(expression, NumPy(own)), _INDENT)
            if self._tells(expression.shape):
                like = {(expression.shape, expression.dtype): self.called[name]} | like
            there.add(name)

    def _tells(self, shape: tuple[int, ...]) -> bool:
        """Whether what has a shape now has it for any number of examples."""
        examples = self.chain.examples
        return examples is None or examples.alone or examples.m not in shape

    def result(self) -> Iterator[str]:
        """The dictionary of gradients: all of them derivatives of J itself."""
        entries = []
        for name in self.wrt:
            over = f" / {self.called[self.m]}" if self.line_of[name].per_example else ""
            entries.append(f"{json.dumps(name, ensure_ascii=False)}: {self.called[name]}{over}")
        line = f"{_INDENT}return {{{', '.join(entries)}}}"
        if len(line) <= WIDTH:
            yield line
        else:
            yield f"{_INDENT}return {{"
            yield from (f"{2 * _INDENT}{entry}," for entry in entries)
            yield f"{_INDENT}}}"


def _told(name: str) -> str:
    """A name, which may be any text, escaped for a docstring."""
    return " ".join(name.replace("\\", "\\\\").replace('"', "'").split())


def _needed(lines: Sequence[Line], wrt: Iterable[str]) -> list[Line]:
    """The lines that the wanted ones are computed from, in order."""
    needed = set(wrt)
    kept = []
    for line in reversed(lines):
        if line.name in needed:
            kept.append(line)
            needed |= {q.called for q in quantities(line.expression)}
    return kept[::-1]


def _with_shared_parts(lines: Sequence[tuple[str, Node]], taken: set[str]) -> Iterator[tuple[str, Node]]:
    """The lines, preceded by common subexpressions under new names."""
    chosen = _worth_computing_once([expression for _, expression in lines])
    shared: dict[Node, Node] = {}
    for name, expression in lines:
        here = dict.fromkeys(e for e in parts(expression) if e.op is not None and e in chosen)
        for part in sorted(here, key=lambda e: e.size):
            if part != expression and part not in shared:
                made = next(f"{part.rule.name}_{k}" for k in count(1) if f"{part.rule.name}_{k}" not in taken)
                taken.add(made)
                yield made, replaced(part, shared)
                shared[part] = quantity(made, part.shape, part.dtype)
        yield name, replaced(expression, shared)


def _worth_computing_once(lines: Sequence[Node]) -> set[Node]:
    """The subexpressions that occur more than once, the outermost of each; sums of names are left out."""
    times = Counter(e for line in lines for e in parts(line) if e.op is not None)
    chosen = set()
    for part in sorted(times, key=lambda e: e.size, reverse=True):
        if times[part] > 1 and (part.size > 4 or not _is_cheap(part)):
            chosen.add(part)
            for inner, often in Counter(e for e in parts(part) if e.op is not None and e != part).items():
                times[inner] -= often * (times[part] - 1)
    return chosen


def _is_cheap(part: Node) -> bool:
    """Arithmetic, and what only looks at entries in another way: no longer to write than a name."""
    return part.rule.moves or (part.rule.kind == "elementwise" and part.rule.sign is not None)


def _renamed(expression: Node, called: dict[str, str]) -> Node:
    def change(e: Node) -> Node | None:
        if e.is_name and called.get(e.called, e.called) != e.called:
            return quantity(called[e.called], e.shape, e.dtype)
        return None

    return rebuilt(expression, change)


def _identifiers(names: Iterable[str], reserved: Iterable[str]) -> dict[str, str]:
    """Valid Python names, each different, similar to the given ones."""
    taken = {*reserved}
    called: dict[str, str] = {}
    for name in dict.fromkeys(names):
        called[name] = _new(name, taken)
    return called


def _new(name: str, taken: set[str]) -> str:
    """An identifier that is not taken; from then on it is."""
    plain = identifier(name)
    while plain in taken:
        plain += "_"
    taken.add(plain)
    return plain


def _listed(names: Sequence[str]) -> str:
    """a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
