"""Draws repeated parts once: steps of a recurrent net and equal layers become one, ``h[t]`` with "× 10".

Two scopes repeat one another where they hold the same boxes and arrows, and the same formulas up to the
number in the names. What a step takes from the step before is the carry, a box of its own, ``h[t−1]``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.drawing.formulas import in_lines
from tinygrad_edu.drawing.sketch import Arrow, Box, Line, Part, Row, Sketch
from tinygrad_edu.drawing.values import colours, range_of, shape_of

_LEAST = 3  # alike, to be drawn once
_TITLE = re.compile(r"(.*?)(\d+)")
_NUMBERED = re.compile(r"((?<![\w.])[^\W\d]\w*?(?=\d+(?![A-Za-z0-9_]))|(?<=[\w\]])\[(?=\d+\]))(\d+)")
"""A name that ends in a number, ``h3``, or a place, ``X[3]``: its letters, or a bracket, and the number."""
_LETTERS = (("step", "t"), ("time", "t"), ("layer", "l"), ("block", "l"))


@dataclass(frozen=True)
class _Scope:
    """A scope with a number in its title: its boxes by their names without numbers."""

    stem: str
    number: int
    boxes: Mapping[str, Box]

    @property
    def title(self) -> str:
        return f"{self.stem}{self.number}"


def folded(sketch: Sketch, values: Mapping[str, NDArray[Any]]) -> Sketch:
    """The sketch with repeated parts drawn once.

    Args:
        sketch: a sketch of quantities.
        values: the arrays by the keys of the parts; their gradients, where they stand in the same part, by
            the key after ``d ``.
    """
    while True:
        found = (_Fold(sketch, run, values) for run in _runs(_numbered(sketch)))
        fold = next((f for f in found if f.fits), None)
        if fold is None:
            return sketch
        sketch = fold.sketch()


def _numbered(sketch: Sketch) -> list[_Scope]:
    """The scopes with a number, in order; data of the first belongs to it where the next has such data."""
    inside: dict[str, list[Box]] = {}
    for box in sketch.boxes:
        if len(box.scope) == 1 and _TITLE.fullmatch(box.scope[0]):
            inside.setdefault(box.scope[0], []).append(box)
    home = {part.key: box for box in sketch.boxes for part in box.parts}
    users: dict[str, set[tuple[str, ...]]] = {}
    for arrow in sketch.arrows:
        users.setdefault(arrow.tail, set()).add(home[arrow.head].scope)
    found = []
    for title, boxes in inside.items():
        match = _TITLE.fullmatch(title)
        assert match is not None
        number = int(match[2])
        after = {_shifted(b.parts[0].name, number + 1) for b in inside.get(f"{match[1]}{number + 1}", ())}
        for box in sketch.boxes:
            first = box.parts[0]
            if not box.scope and first.kind == "data" and users.get(first.key) == {(title,)}:
                boxes = [box, *boxes] if _shifted(first.name, number) in after else boxes
        by_stem = {_stem(box.parts[0].name): box for box in boxes}
        if len(by_stem) == len(boxes):
            found.append(_Scope(match[1], number, by_stem))
    return sorted(found, key=lambda s: (s.stem, s.number))


def _stem(name: str) -> str:
    """A name or formula without the numbers at the ends of its names."""
    return _NUMBERED.sub(r"\1", name)


def _shifted(name: str, number: int) -> tuple[str, int] | None:
    """A name with a number, apart: its letters, and how far its number is from that of the scope."""
    match = _NUMBERED.fullmatch(name)
    return (match[1], int(match[2]) - number) if match else None


def _runs(scopes: Sequence[_Scope]) -> Iterator[list[_Scope]]:
    """Stretches of scopes that may repeat one another, the longest first."""
    found = []
    for i in range(len(scopes)):
        for j in range(i + _LEAST, len(scopes) + 1):
            run = list(scopes[i:j])
            if run[-1].stem != run[0].stem or run[-1].number - run[0].number != len(run) - 1:
                break
            if run[-1].boxes.keys() != run[0].boxes.keys():
                break
            found.append(run)
    return iter(sorted(found, key=len, reverse=True))


def _general(texts: Sequence[str], numbers: Sequence[int], letter: str) -> str | None:
    """One text for all, ``h3 = tanh(h2)`` as ``h[t] = tanh(h[t−1])``; None where they differ otherwise."""
    pieces = [_NUMBERED.split(text) for text in texts]
    if len({len(p) for p in pieces}) != 1:
        return None
    out = []
    for k, alike in enumerate(zip(*pieces, strict=True)):
        if k % 3 != 2:  # between names, or the letters of a name
            if len(set(alike)) != 1:
                return None
            out.append(alike[0])
            continue
        ends = list(map(int, alike))
        shifts = {end - n for end, n in zip(ends, numbers, strict=True)}
        if len(set(ends)) == 1:
            out.append(str(ends[0]))
        elif len(shifts) == 1:
            shift = shifts.pop()
            place = f"{letter}{'+' * (shift > 0)}{'−' * (shift < 0)}{abs(shift) or ''}"
            out[-1] = out[-1].rstrip("_")
            out.append(place if out[-1] == "[" else f"[{place}]")
        else:
            return None
    return "".join(out)


class _Fold:
    """One stretch of scopes that repeat one another, as one."""

    def __init__(self, sketch: Sketch, run: list[_Scope], values: Mapping[str, NDArray[Any]]) -> None:
        self.sketch_, self.run, self.values = sketch, run, values
        self.numbers = [scope.number for scope in run]
        stem = run[0].stem.lower()
        self.word = run[0].stem.strip() or "one"
        self.letter = next((letter for word, letter in _LETTERS if word in stem), "k")
        self.place = {
            part.key: (k, name, n)
            for k, scope in enumerate(run)
            for name, box in scope.boxes.items()
            for n, part in enumerate(box.parts)
        }
        """Of each part that repeats: in which scope, in which box, which part of it."""
        self.span = f"{self.letter} = {self.numbers[0]} … {self.numbers[-1]}"
        self.title = f"{run[0].stem}{self.letter}, × {len(run)}: {self.span}"
        self.scope = (self.title,)
        self._named = {p.key: p.name for box in sketch.boxes for p in box.parts}
        self.fits = self._read()

    # ------------------------------------------------------------------------------------ comparison

    def _read(self) -> bool:
        """Sorts the arrows; whether the scopes are alike."""
        self.inner: dict[tuple[str, str], list[Arrow]] = {}
        self.shared: dict[tuple[str, str], list[Arrow]] = {}
        self.carried: dict[tuple[str, str], list[Arrow]] = {}
        self.first: dict[str, list[Arrow]] = {}
        self.leaving: dict[tuple[str, str], list[tuple[int, Arrow]]] = {}
        self.others: list[Arrow] = []
        return all(map(self._sorted, self.sketch_.arrows)) and self._started() and self._alike()

    def _sorted(self, arrow: Arrow) -> bool:
        """Puts an arrow where it belongs; not one that passes a scope by."""
        tail, head = self.place.get(arrow.tail), self.place.get(arrow.head)
        if tail and head:
            into = self.inner if tail[0] == head[0] else self.carried
            into.setdefault((tail[1], head[1]), []).append(arrow)
            return head[0] - tail[0] in (0, 1)
        if tail:
            self.leaving.setdefault((tail[1], arrow.head), []).append((tail[0], arrow))
        elif head:
            self.shared.setdefault((arrow.tail, head[1]), []).append(arrow)
        else:
            self.others.append(arrow)
        return True

    def _started(self) -> bool:
        """What only the first scope reads takes the place of the carry of the others."""
        carries = {head for _, head in self.carried}
        for (outside, name), arrows in list(self.shared.items()):
            if len(arrows) < len(self.run):
                if len(arrows) != 1 or self.place[arrows[0].head][0] != 0 or name not in carries:
                    return False
                self.first.setdefault(name, []).append(self.shared.pop((outside, name))[0])
        return True

    def _alike(self) -> bool:
        n = len(self.run)
        names = self.run[0].boxes
        kinds = [{box.parts[0].kind for box in self._boxes(name)} for name in names]
        many = [[len(box.parts) for box in self._boxes(name)] for name in names]
        return (
            all(len(arrows) == n for arrows in (*self.inner.values(), *self.shared.values()))
            and all(len(arrows) == n - 1 for arrows in self.carried.values())
            and all(len(told) == n or {k for k, _ in told} == {n - 1} for told in self.leaving.values())
            and all(len(kind) == 1 for kind in kinds)
            and all(len(set(m[1:])) == 1 and m[0] <= m[1] for m in many)  # the first may start from data
            and all(self._formula([box.parts[0] for box in self._boxes(name)]) for name in names)
        )

    def _boxes(self, name: str) -> list[Box]:
        return [scope.boxes[name] for scope in self.run]

    def _formula(self, parts: Sequence[Part]) -> str | None:
        texts = [
            "".join(r.whole if k == 0 else f" {r.text}" for k, r in enumerate(_formula_rows(part)))
            for part in parts
        ]
        numbers = self._numbers_of(parts)
        found = _general(texts, numbers, self.letter)
        if found is not None or len(parts) < _LEAST:
            return found
        if parts[0].kind == "gradient":
            return _general(texts[:-1], numbers[:-1], self.letter)  # the last gets its gradient from the cost
        return _general(texts[1:], numbers[1:], self.letter) if self._only_starts(parts[0], texts) else None

    def _only_starts(self, part: Part, texts: Sequence[str]) -> bool:
        """Whether the first differs from the others only in what it starts from in place of the carry."""
        name = self.place[part.key][1]
        starts = {self._named[arrow.tail] for arrow in self.first.get(name, ())}
        carries = {_stem(self._named[self._key(tail)]) for tail, head in self.carried if head == name}
        first, other = (_stem(text).partition(" = ") for text in texts[:2])
        words = re.split(r"(\w+)", other[2])
        told = {"".join(start if w == carry else w for w in words) for start in starts for carry in carries}
        return first[0] == other[0] and first[2] in told

    def _numbers_of(self, parts: Sequence[Part]) -> list[int]:
        return [self.numbers[self.place[part.key][0]] for part in parts]

    # ----------------------------------------------------------------------------------------- drawn

    def sketch(self) -> Sketch:
        """The sketch with one scope in place of all of them."""
        gone = {id(box) for scope in self.run for box in scope.boxes.values()}
        boxes: list[Box] = []
        put = False
        for box in self.sketch_.boxes:
            if id(box) not in gone:
                boxes.append(box)
            elif not put:
                boxes += self._carry_boxes()
                boxes += [self._box(name) for name in self.run[0].boxes]
                put = True
        many = f"{self.run[0].title} to {self.run[-1].title}"
        legend = f'{many} are alike, and drawn once, × {len(self.run)}; detail="quantities" draws each.'
        return replace(
            self.sketch_,
            boxes=tuple(boxes),
            arrows=(*self.others, *self._arrows()),
            legend=(*self.sketch_.legend, legend),
        )

    def _key(self, name: str, n: int = 0) -> str:
        return self.run[-1].boxes[name].parts[n].key

    def _box(self, name: str) -> Box:
        boxes = self._boxes(name)
        many = range(len(boxes[-1].parts))
        parts = ([box.parts[n] for box in boxes if n < len(box.parts)] for n in many)
        return Box(tuple(map(self._part, parts)), self.scope)

    def _part(self, parts: Sequence[Part]) -> Part:
        name = _general([p.name for p in parts], self._numbers_of(parts), self.letter) or ""
        formula = self._formula(parts)
        rows: list[Row] = []
        red = parts[0].kind == "gradient"
        if formula is not None:
            head, text = (name, formula[len(name) :]) if name and formula.startswith(name) else ("", formula)
            rows += [Line(piece, head if k == 0 else "", red) for k, piece in enumerate(in_lines(text))]
        else:
            rows.append(Line("", name or parts[0].name, red))
        rows += self._values(parts, name or parts[-1].name, red=red)
        return replace(
            parts[-1], rows=tuple(rows), name=name, spoken=f"{formula or name}, {len(parts)} times"
        )

    def _values(self, parts: Sequence[Part], name: str, *, red: bool) -> Iterator[Row]:
        """The range of all of them, and small columns side by side as colours."""
        arrays = [np.asarray(self.values[p.key]) for p in parts if p.key in self.values]
        if not arrays:
            return
        flat = np.concatenate([a.ravel() for a in arrays])
        shapes = {a.shape for a in arrays}
        shape = f"{shape_of(arrays[0])}, " if len(shapes) == 1 and arrays[0].ndim and not red else ""
        yield Line(f"{shape}{range_of(flat)}", red=red, value=True)
        columns = len(shapes) == 1 and arrays[0].ndim == 2 and arrays[0].shape[1] == 1
        strip = colours(np.concatenate(arrays, axis=1)) if columns and not red else None
        if strip is not None:
            yield strip
        back = [np.ravel(self.values[f"d {p.key}"]) for p in parts if f"d {p.key}" in self.values]
        if back and not red:
            called = f"d{name}" if re.fullmatch(r"\w+(\[[^\]]*\])?", name) else "gradient"
            yield Line(f"{called} = {range_of(np.concatenate(back))}", red=True, value=True)

    def _carry_boxes(self) -> Iterator[Box]:
        for tail in dict.fromkeys(tail for tail, _ in self.carried):
            parts = self._boxes(tail)[-1].parts
            names = [b.parts[0].name for b in self._boxes(tail)[:-1]]
            name = _general(names, self.numbers[1:], self.letter) or _stem(names[0])
            heads = [head for one, head in self.carried if one == tail]
            starts = [a.tail for head in heads for a in self.first.get(head, ()) if self._starts(a, tail)]
            told = " or ".join(dict.fromkeys(self._named[s] for s in starts if self._named[s]))
            rows = [Line("", name), Line(f"from the {self.word} before", faint=True)]
            if told:
                rows.append(Line(f"{told} at {self.letter} = {self.numbers[0]}", faint=True))
            made = [Part(f"c{self._key(tail)}", "computed", tuple(rows), name, f"{name}, carried on")]
            if len(parts) > 1:
                back = (Line("", f"d{name}", red=True), Line(f"to the {self.word} before", red=True))
                made.append(
                    Part(f"c{self._key(tail, 1)}", "gradient", back, f"d{name}", f"d{name}, carried back")
                )
            yield Box(tuple(made), self.scope)

    def _starts(self, arrow: Arrow, tail: str) -> bool:
        """Whether what the first step starts from stands for that carry: ``h0`` for ``h``."""
        heads = {head for one, head in self.carried if one == tail}
        head = self.place[arrow.head][1]
        rivals = {one for one, other in self.carried if other == head}
        return head in heads and (len(rivals) == 1 or _stem(self._named[arrow.tail]) == tail)

    def _arrows(self) -> Iterator[Arrow]:
        for (tail, head), arrows in self.inner.items():
            yield self._one(arrows, self._key(tail), self._key(head), self.numbers)
        for (outside, head), arrows in self.shared.items():
            yield self._one(arrows, outside, self._key(head), self.numbers)
        for (tail, head), arrows in self.carried.items():
            key = f"c{self._key(tail)}"
            yield self._one(arrows, key, self._key(head), self.numbers[1:])
        seen = set()
        for name, arrows in self.first.items():
            for arrow in arrows:
                for tail, head in self.carried:
                    ends = arrow.tail, f"c{self._key(tail)}"
                    if head == name and self._starts(arrow, tail) and ends not in seen:
                        seen.add(ends)
                        yield self._one([arrow], *ends, self.numbers[:1], plain=True)
        for (tail, _), told in self.leaving.items():
            last = told[-1][1]
            arrow = self._one([a for _, a in told], self._key(tail), last.head, self.numbers)
            only = len(told) == 1  # what passes is the last one's
            yield replace(arrow, label=self._boxes(tail)[-1].parts[0].name, plain=True) if only else arrow

    def _one(
        self, arrows: Sequence[Arrow], tail: str, head: str, numbers: Sequence[int], *, plain: bool = False
    ) -> Arrow:
        """One arrow for all; their label where it is the same up to the number."""
        label, last = "", arrows[-1]
        if not plain and len(arrows) == len(numbers):
            told = {a.note for a in arrows}
            label = _general([a.label for a in arrows], numbers, self.letter) or ""
            note = told.pop() if len(told) == 1 else ""
        else:
            note = ""
        returns = None
        if last.returns is not None:
            returns = Arrow(self._back(head, last.returns.tail), self._back(tail, last.returns.head))
        return replace(last, tail=tail, head=head, label=label, note=note if label else "", returns=returns)

    def _back(self, key: str, gradient: str) -> str:
        """The key of the gradient of a part with that key."""
        if key.startswith("c"):
            name = next(t for t, _ in self.carried if f"c{self._key(t)}" == key)
            return f"c{self._key(name, 1)}"
        place = self.place.get(gradient)
        return self._key(place[1], place[2]) if place else gradient


def _formula_rows(part: Part) -> list[Line]:
    return [r for r in part.rows if isinstance(r, Line) and not r.value and not r.of]
