"""Layers for sequences, in the layout of the course's fifth part: x (n_x, m, T), words as numbers (T, m)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.nn.init import Scheme, Seed, generator, initial
from tinygrad_edu.nn.layers import ACTIVATIONS, Activation, Described, checked_activation, checked_dtype
from tinygrad_edu.nn.parameter_discovery import Parameters
from tinygrad_edu.ops.movement.joining import stack
from tinygrad_edu.ops.networks.embeddings import embedding
from tinygrad_edu.settings import shaped, whole, yes_or_no


class Embedding(Described):
    """A vector for each word of a vocabulary: column e of the table E (n, vocabulary). Course 5.

    X holds whole numbers, one example a column: (T, m) gives (n, m, T), and (1, m), one word an example,
    gives (n, m).

    Args:
        vocabulary: how many words there are; a word is a number from 0 to below that.
        n: the length of a vector.
        init: as for :class:`Dense`; by default a standard normal.
        seed: as for :class:`Dense`.
        dtype: float64, or float32 for speed.

    >>> layer = Embedding(10, 3, seed=1)
    >>> layer.E.shape, layer(np.array([[1, 2], [3, 4], [5, 9], [0, 0]])).shape
    ((3, 10), (3, 2, 4))
    """

    takes, example_axis, takes_integers, reshapes = "words", 1, True, True

    def __init__(
        self, vocabulary: int, n: int, *, init: Scheme = 1.0, seed: Seed = None, dtype: DTypeLike = np.float64
    ) -> None:
        self.vocabulary = whole("Embedding: vocabulary", vocabulary, 1)
        self.n = self.n_out = whole("Embedding: n", n, 1)
        kind = checked_dtype("Embedding", dtype)
        self.E = Tensor(initial((self.n_out, self.vocabulary), init, seed), name="E", dtype=kind)

    def parameters(self) -> Parameters:
        """``{"E": ...}``, of shape (n, vocabulary)."""
        return Parameters({"E": self.E})

    def check_words(self, X: Any) -> None:
        """Raises unless X (T, m) holds whole numbers of at least 0 and below the size of the vocabulary."""
        if X.dtype.kind not in "iu":
            raise TypeError(f"X: expected words as whole numbers, got dtype {X.dtype}; X.astype(int)")
        if len(X.shape) != 2:
            raise ValueError(f"X: expected words (T, m), one example a column, got shape {tuple(X.shape)}")
        if X.size and not (X.min() >= 0 and X.max() < self.vocabulary):
            raise ValueError(
                f"X: expected numbers of words from 0 to {self.vocabulary - 1}, got {X.min()} to {X.max()}"
            )

    def __call__(self, X: Any) -> Any:
        """The vectors of the words."""
        if len(shape := np.shape(X)) != 2:
            raise ValueError(f"{self!r}: expected words (T, m), one example a column, got shape {shape}")
        found = embedding(self.E, X)
        return found[:, 0] if shape[0] == 1 else np.transpose(found, (0, 2, 1))


class RNN(Described):
    """A simple recurrent layer: a⟨t⟩ = g(Wax x⟨t⟩ + Waa a⟨t-1⟩ + ba), from a⟨0⟩ = 0. Course 5.

    Args:
        n_in: the features of x⟨t⟩, n_x.
        n_out: its units, n_a.
        activation: g, tanh by default.
        sequences: whether it gives every a⟨t⟩, (n_out, m, T), or the last one, (n_out, m).
        init: as for :class:`Dense`.
        seed: as for :class:`Dense`.
        dtype: float64, or float32 for speed.

    x is (n_in, m, T). ``.Wax`` is (n_out, n_in), ``.Waa`` (n_out, n_out), ``.ba`` (n_out, 1).

    >>> layer = RNN(3, 5, seed=1)
    >>> layer(Tensor(np.ones((3, 2, 4)))).shape, RNN(3, 5, sequences=True)(Tensor(np.ones((3, 2, 4)))).shape
    ((5, 2), (5, 2, 4))
    """

    takes, example_axis, reshapes = "sequences", 1, True

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: Activation = "tanh",
        *,
        sequences: bool = False,
        init: Scheme = "xavier",
        seed: Seed = None,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.n_in, self.n_out = whole("RNN: n_in", n_in, 1), whole("RNN: n_out", n_out, 1)
        self.activation = checked_activation("RNN", activation)
        self.sequences = yes_or_no("RNN: sequences", sequences)
        kind, rng = checked_dtype("RNN", dtype), generator(seed)
        self.Wax = Tensor(initial((self.n_out, self.n_in), init, rng), name="Wax", dtype=kind)
        self.Waa = Tensor(initial((self.n_out, self.n_out), init, rng), name="Waa", dtype=kind)
        self.ba = Tensor(np.zeros((self.n_out, 1)), name="ba", dtype=kind)

    def parameters(self) -> Parameters:
        """``{"Wax": ..., "Waa": ..., "ba": ...}``."""
        return Parameters({"Wax": self.Wax, "Waa": self.Waa, "ba": self.ba})

    def __call__(self, x: Any) -> Any:
        """a⟨T⟩, or every a⟨t⟩."""
        x = shaped(x)
        shape = tuple(x.shape)
        if len(shape) != 3 or shape[0] != self.n_in or not shape[2]:
            raise ValueError(f"{self!r}: expected sequences ({self.n_in}, m, T), got shape {shape}")
        g = ACTIVATIONS[self.activation] if isinstance(self.activation, str) else self.activation
        a: Any = None
        steps = []
        for t in range(shape[2]):
            z = self.Wax @ x[:, :, t] + self.ba
            a = g(z if a is None else z + self.Waa @ a)
            steps.append(a)
        return stack(steps, axis=2) if self.sequences else a
