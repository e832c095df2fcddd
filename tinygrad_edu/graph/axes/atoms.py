"""Atoms: what axes are made of, joined where operations say that two are one.

The axis of a value is a product of atoms, a *term*: usually one; several after a flattening; none for a
length of 1 that broadcasting made. Joins come late, so a term is resolved when it is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

Term = tuple[int, ...]


class Atoms:
    """A union-find of axes; an atom that turned out to be a product of others stands for those.

    >>> atoms = Atoms()
    >>> rows, height, width, flat = (atoms.fresh(n) for n in (5, 2, 3, 6))
    >>> atoms.regroup([(rows,), (height,), (width,)], (5, 6))
    [(0,), (1, 2)]
    >>> atoms.join((flat,), (height, width)), atoms.expand((flat,))
    (True, (1, 2))
    """

    def __init__(self) -> None:
        self.size: list[int] = []
        self.made: list[str] = []
        """How it was made in the graph (joined, windowed, split, ...); "" for a leaf's."""
        self.parents: list[tuple[Term, ...]] = []
        """Of what it was made, or is a piece."""
        self.cut: list[tuple[int, int, int] | None] = []
        """Which piece it is."""
        self.members: list[list[int]] = []
        """Of a representative: the atoms that it stands for, and itself."""
        self._up: list[int] = []
        self._product: dict[int, Term] = {}
        self._pieces: dict[tuple[Term, tuple[int, int, int]], int] = {}

    def __len__(self) -> int:
        return len(self.size)

    def fresh(
        self, size: int, made: str = "", parents: Iterable[Term] = (), cut: tuple[int, int, int] | None = None
    ) -> int:
        """A new atom of that size."""
        self.size.append(size)
        self.made.append(made)
        self.parents.append(tuple(parents))
        self.cut.append(cut)
        self.members.append([len(self._up)])
        self._up.append(len(self._up))
        return len(self._up) - 1

    def find(self, atom: int) -> int:
        """The atom that represents it and all that it was joined with."""
        up = self._up
        while up[atom] != atom:
            up[atom] = up[up[atom]]
            atom = up[atom]
        return atom

    def expand(self, term: Term) -> Term:
        """The term with each atom replaced by its representative, products written out."""
        if not self._product:
            return tuple(map(self.find, term))
        found: list[int] = []
        for atom in term:
            root = self.find(atom)
            product = self._product.get(root)
            found += (root,) if product is None else self.expand(product)
        return tuple(found)

    def of(self, terms: Iterable[Term]) -> Iterator[int]:
        """The atoms of several terms, one after the other."""
        return (atom for term in terms for atom in self.expand(term))

    def join(self, one: Term, other: Term) -> bool:
        """Makes two terms one; False where they are products that do not fit."""
        a, b = self.expand(one), self.expand(other)
        if len(a) != 1 or len(b) != 1:
            a, b = (tuple(x for x in term if self.size[x] != 1 or len(term) == 1) for term in (a, b))
        if a == b or not a or not b:
            return True
        if len(a) == 1 or len(b) == 1:
            return self._unite(a, b)
        pairs = self._paired(a, b)
        return pairs is not None and all(self._unite(s, t) for s, t in pairs)

    def _unite(self, a: Term, b: Term) -> bool:
        if len(b) == 1 and len(a) > 1:
            a, b = b, a
        if a == b:
            return True
        (root,) = a
        if len(b) > 1:
            if root in b:
                return False
            self._product[root] = b
            return True
        if self.size[root] != self.size[b[0]]:
            return False
        keep, gone = (root, b[0]) if self._older(root, b[0]) else (b[0], root)
        self._up[gone] = keep
        self.members[keep] += self.members[gone]
        return True

    def _older(self, a: int, b: int) -> bool:
        """Whether the first is to represent both: a leaf's atom goes before one that was made."""
        return (bool(self.made[a]), a) < (bool(self.made[b]), b)

    def _paired(self, a: Term, b: Term) -> list[tuple[Term, Term]] | None:
        """The parts of two products that are equal, found by their partial products."""
        pairs: list[tuple[Term, Term]] = []
        while a or b:
            j = k = 0
            m = n = 1
            while j == 0 or m != n:
                if m <= n and j < len(a):
                    m, j = m * self.size[a[j]], j + 1
                elif n <= m and k < len(b):
                    n, k = n * self.size[b[k]], k + 1
                else:
                    return None
            if k == 0:  # what is left has length 1
                return pairs
            if j > 1 and k > 1:
                return None
            pairs.append((a[:j], b[:k]))
            a, b = a[j:], b[k:]
        return pairs

    def piece(self, term: Term, cut: tuple[int, int, int], size: int) -> int:
        """The piece of an axis. The same cut of the same axis is the same atom."""
        whole = self.expand(term)
        self.settle()
        known = self._pieces.get((whole, cut))
        if known is None:
            known = self._pieces[whole, cut] = self.fresh(size, "piece", (whole,), cut)
        return known

    def settle(self) -> None:
        """Joins the pieces of axes that have been joined since."""
        again = True
        while again:
            again = False
            found: dict[tuple[Term, tuple[int, int, int]], int] = {}
            for (whole, cut), atom in self._pieces.items():
                key = self.expand(whole), cut
                if key in found:
                    again |= self.find(found[key]) != self.find(atom)
                    self.join((found[key],), (atom,))
                else:
                    found[key] = atom
            self._pieces = found

    def regroup(self, terms: Sequence[Term], shape: Sequence[int]) -> list[Term] | None:
        """The terms of the same entries under another shape, or None where the two only meet at the end.

        Equal partial products are the same axis, several into one a product, one into several a split.
        """
        atoms = list(self.of(terms))
        found: list[Term] = []
        k = 0
        for n in shape:
            group: list[int] = []
            have = 1
            if n == 1 and k < len(atoms) and self.size[atoms[k]] == 1:
                group, k = [atoms[k]], k + 1
            while have < n:
                if k == len(atoms) or n % have:
                    return None
                size, left = self.size[atoms[k]], n // have
                if size > 1 and left % size:
                    if not left or size % left:
                        return None
                    atoms[k : k + 1] = self._split(atoms[k], left)
                    size = left
                if size > 1:
                    group.append(atoms[k])
                have, k = have * size, k + 1
            if n == 0:
                return None
            found.append(tuple(group))
        return found

    def _split(self, atom: int, size: int) -> Term:
        parts = tuple(self.fresh(n, "split") for n in (size, self.size[atom] // size))
        self._product[atom] = parts
        return parts
