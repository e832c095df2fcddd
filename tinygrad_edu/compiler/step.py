"""``tg.compile``: a function of parameters and data as a step that is recorded once and then only run."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any, Literal, Never
from weakref import ref

import numpy as np

from tinygrad_edu.compiler.arguments import bare, data_of, kind_of, value_of
from tinygrad_edu.compiler.emit import Emitted
from tinygrad_edu.compiler.memory import Buffer
from tinygrad_edu.compiler.pipeline import Moves, Update, assembled
from tinygrad_edu.compiler.recording_cache import Recordings
from tinygrad_edu.compiler.threads import threads_for
from tinygrad_edu.compiler.trace import Recording, record
from tinygrad_edu.core.notebook_display import listing
from tinygrad_edu.core.structure import alike, leaves, rebuilt
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.graph import Graph

CACHE_LIMIT = 16
"""Signatures of one step from which on it warns: each has cost a recording, and keeps its memory."""

KEPT = 2
"""Recordings of one signature that are kept: a flag may be on in one call and off in the next."""

Backend = Literal["numpy"] | None

_NO_NUMBA = (
    "compile: there is no backend 'numba': measured on two threads, its kernels took 0.9 to 8 times as long "
    "as NumPy's lines. Leave backend out; tg.set_num_threads says on how many threads the step works"
)


@arguments_explained
def compile(  # noqa: A001  (the field's name for it, as in torch.compile)
    loss: Callable[..., Any], *, optimizer: Moves | None = None, backend: Backend = None
) -> CompiledStep:
    """A step: the cost and its gradients, or with an optimiser the cost and the update, as one program.

    The first call with given shapes and dtypes records ``loss``, derives its backward pass, drops what
    no result needs, simplifies, plans memory and writes straight-line NumPy; later calls run that.

    Args:
        loss: ordinary Tensor code, ``loss(params, X, Y)``, that gives a scalar. Called once per signature.
        optimizer: moves the parameters in place, one of ``tg.optim`` or anything with ``begin(gradients)``
            and ``update(key, parameter, gradient)``. The key is the path of the parameter: ``"W1"``.
        backend: "numpy", or None, which is the same: there is no other.

    Returns:
        ``step(params, X, Y)``, where X and Y are arrays, Tensors or numbers, of integers and booleans too,
        or dicts, tuples, lists and dataclasses of them; integers may be indices. Text, None and slices in
        them say how to compute: with another one the step is recorded anew. It gives ``J, grads``, or
        with an optimiser ``J``. ``params`` is a dict, list or tuple, nested too, of arrays or Tensors;
        ``grads`` has its structure; J is a float.
        ``step.source``, ``step.graph`` and ``step.buffers`` show what the last call ran.

    Raises:
        TypeError: on the first call, where the function asks for a value (``if J > 1``), or writes in
            place; the message has the line.

    >>> import numpy as np, tinygrad_edu as tg
    >>> def loss(params, X, Y):
    ...     A = tg.sigmoid(params["w"].T @ X + params["b"])
    ...     return np.sum((A - Y) ** 2)
    >>> step = tg.compile(loss)
    >>> J, grads = step({"w": np.zeros((2, 1)), "b": 0.0}, np.ones((2, 3)), np.ones((1, 3)))
    >>> J, float(grads["b"])
    (0.75, -0.75)
    """
    return CompiledStep(loss, optimizer, backend)


@dataclass
class _Compiled:
    """The compiled form of one signature."""

    make: Callable[[], Callable[..., Any]]
    recording: Recording
    emitted: Emitted
    update: Update
    differentiated: tuple[bool, ...]
    """Of each parameter, whether it takes part and has a gradient."""
    targets: tuple[tuple[str, int], ...] = ()
    """The optimiser's key of each parameter that is moved, and which of the inputs it is."""
    spare: list[tuple[Callable[..., Any], dict[Any, Any]]] = field(default_factory=list)
    """Functions that no thread is running, with what an optimiser remembers of the arrays that each gives.
    Each has memory of its own, so that no lock is needed, which an interrupt could leave locked."""
    keys: tuple[Any, ...] | None = None
    """The names of the parameters, where they are a plain dict of arrays, and all take part."""
    kinds: tuple[Any, ...] = ()
    owners: tuple[ref[Any], ...] = ()
    """The parameters whose averages the optimiser keeps, where it keeps any."""

    @property
    def dtypes(self) -> list[np.dtype[Any]]:
        """Those of the parameters, each once."""
        leaves = (self.recording.graph.find(name) for name in self.recording.parameters if name is not None)
        return list(dict.fromkeys(leaf.dtype for leaf in leaves))

    def run(self, inputs: Sequence[Any], optimizer: Any) -> Any:
        """The step; where an optimiser is interrupted, its parameters have all been moved, or none."""
        try:
            function, kept = self.spare.pop()
        except IndexError:
            function, kept = self.make(), {}
        if self.update == "lent":
            results, *gradients = function(*inputs)
            optimizer.move({key: inputs[k] for key, k in self.targets}, gradients, kept)
            results = [results]
        elif self.update in ("descent", None):
            results = function(*inputs)
        else:
            moving = inputs[: sum(name is not None for name in self.recording.parameters)]
            before = [W.copy() for W in moving]
            try:
                results = function(*inputs)
            except BaseException:
                deque(map(np.subtract, before, repeat(0), moving), 0)  # one call, which nothing interrupts
                raise
        self.spare.append((function, kept))
        return results

    def holds(self) -> bool:
        """Whether all that the function finds by name is what it was when this was recorded."""
        return self.recording.free_variables.changed() is None

    def expect(self, params: Any, values: Sequence[Any], data: Sequence[Any]) -> None:
        """Remembers what the inputs were like, to recognise them without looking at everything again."""
        used = None not in self.recording.parameters + self.recording.data and not self.recording.captured
        plain = all(type(v) is np.ndarray for v in data)
        if (
            used
            and plain
            and type(params) is dict
            and all(type(v) in (np.ndarray, Tensor) for v in params.values())
        ):
            self.keys = tuple(params)
            self.kinds = tuple(map(kind_of, (*values, *data)))

    def inputs(self, params: Any, data: Sequence[Any]) -> list[Any] | None:
        """The inputs, where they are like those that were recorded; None where that takes a closer look."""
        if type(params) is not dict or self.keys is None or tuple(params) != self.keys:
            return None
        given = [*params.values(), *data]
        if len(given) != len(self.kinds):
            return None
        if self.owners and not all(owner() is x for owner, x in zip(self.owners, given, strict=False)):
            return None
        if self.update is not None:
            given = [x.data if type(x) is Tensor else x for x in given]
            if not all(x.flags.writeable for x in given[: len(params)] if type(x) is np.ndarray):
                return None
        for x, (shape, dtype) in zip(given, self.kinds, strict=True):
            if type(x) is not np.ndarray or x.shape != shape or x.dtype is not dtype:
                return None
        return given

    def inputs_again(self, held: Sequence[tuple[Tensor, Any]], data: Sequence[Any]) -> list[Any] | None:
        """The inputs, where nothing but the data is another than in the call before."""
        kinds = self.kinds
        if len(held) + len(data) != len(kinds):
            return None
        given = []
        for t, array in held:
            if t._data is not array or not array.flags.writeable:
                return None
            given.append(array)
        for x in data:
            shape, dtype = kinds[len(given)]
            if type(x) is not np.ndarray or x.shape != shape or x.dtype is not dtype:
                return None
            given.append(x)
        return given


class CompiledStep:
    """Made by :func:`compile`. Several threads may call it: each call works in memory of its own."""

    def __init__(
        self, loss: Callable[..., Any], optimizer: Any, backend: Backend, recordings: Recordings | None = None
    ) -> None:
        if not callable(loss):
            raise TypeError(f"compile: expected a function loss(params, X, Y), got {type(loss).__name__}")
        made = not isinstance(optimizer, type)
        if optimizer is not None and not (made and callable(getattr(optimizer, "update", None))):
            hint = "" if made else f"; make one: {optimizer.__name__}(lr=0.1)"
            raise TypeError(f"compile: optimizer: expected one of tg.optim, got {optimizer!r}{hint}")
        if backend not in ("numpy", None):
            given: object = backend
            wrong = f"compile: backend: expected 'numpy' or None, got {given!r}"
            raise ValueError(_NO_NUMBA if given == "numba" else wrong)
        self.loss, self.optimizer, self.backend = loss, optimizer, backend
        self._cache: dict[Any, list[_Compiled]] = {}
        if recordings is not None and (optimizer is None or isinstance(self._update(), str)):
            self._cache = recordings.steps  # in them is nothing of the optimiser
        self._renewed = 0
        self.trusting = False
        """Whether what the function finds by name is looked at only after :meth:`look_again`."""
        self._trusted: tuple[_Compiled, ...] = ()
        self._moved: Any = None
        self._held: Sequence[tuple[Tensor, Any]] = ()
        """Parameters that were moved before, and their arrays, where nobody looks at names in between."""
        self._last: _Compiled | None = None

    def __call__(self, params: Any, *data: Any, **named: Never) -> Any:
        """Runs the step: ``J, grads``, or J where an optimiser moves the parameters."""
        if named:
            raise TypeError(
                f"compile: a step takes data by position, step(params, X, Y); got {', '.join(named)} by name"
            )
        update = self._update()
        compiled = inputs = None
        if params is self._moved:
            for compiled in self._trusted:  # of one or two shapes of batches
                if (inputs := compiled.inputs_again(self._held, data)) is not None:
                    break
        if inputs is None:
            compiled = self._last
            if compiled is not None and compiled.update is update and compiled.holds():
                inputs = compiled.inputs(params, data)
            if inputs is None:
                compiled, inputs = self._recorded(params, data, update)
            self._trust(compiled, params)
        assert compiled is not None
        self._last = compiled
        if update == "descent":
            self.optimizer.begin(())
            inputs.append(self.optimizer.lr)
        J, *grads = compiled.run(inputs, self.optimizer)
        J = J.item() if isinstance(J, (np.ndarray, np.generic)) else float(J)
        if self.optimizer is not None:
            return J
        found = iter(grads)
        parts = zip(leaves(params), compiled.differentiated, strict=True)
        return J, rebuilt(params, (next(found) if yes else np.zeros_like(bare(v)) for (_, v), yes in parts))

    def _trust(self, compiled: _Compiled | None, params: Any) -> None:
        """Takes note of parameters in which nobody puts others, so that the next call need not look."""
        if self.trusting and compiled is not None and compiled.update is not None:
            tensors = [leaf for _, leaf in leaves(params)]
            if all(type(t) is Tensor for t in tensors):
                known = self._trusted if params is self._moved else ()
                self._trusted, self._moved = (*(c for c in known if c is not compiled), compiled), params
                self._held = [(t, t._data) for t in tensors]

    def look_again(self) -> None:
        """At the next call, looks whether what the function finds by name is what it was."""
        self._trusted = ()

    def _recorded(self, params: Any, data: Sequence[Any], update: Update) -> tuple[_Compiled, list[Any]]:
        """The compiled form of the call's signature, recorded where it is new, and the inputs for it."""
        given = list(leaves(params))
        if self.optimizer is not None and len({id(leaf) for _, leaf in given}) < len(given):
            paths = ", ".join("/".join(path) for path, _ in given)
            raise ValueError(f"compile: the same parameter is given twice among {paths}")
        if getattr(self.optimizer, "remembers", False):
            self.optimizer.claim([leaf for _, leaf in given])
        values = [value_of(leaf, path, writable=update is not None) for path, leaf in given]
        data = tuple(map(data_of, data))
        arrays = [array for _, array in leaves(data)]
        signature = (
            update if isinstance(update, str) else None,
            alike(params),
            alike(data),
            *map(kind_of, values),
            *map(kind_of, arrays),
        )
        known = self._cache.get(signature, [])
        compiled = next((c for c in known if c.holds()), None)
        if compiled is None:
            if known:
                self._note_change(known[0])
            compiled = self._compiled(params, data, update)
            self._cache[signature] = [compiled, *known][:KEPT]
            compiled.expect(params, values, data)
        compiled.owners = getattr(self.optimizer, "owners", ())
        recording = compiled.recording
        names = recording.parameters + recording.data
        inputs = [x for x, name in zip(values + arrays, names, strict=True) if name]
        return compiled, inputs + [t._data for t in recording.captured.values()]

    def _note_change(self, stale: _Compiled) -> None:
        """Counts the recordings that a change of what the function finds by name has cost."""
        self._renewed += 1
        if self._renewed == CACHE_LIMIT:
            warnings.warn(
                f"compile: the step has been recorded anew {CACHE_LIMIT} times, each time because "
                f"{stale.recording.free_variables.changed()}, which the function finds by name, has changed. "
                "Pass it in as data: it is then read in each call, and nothing is recorded again.",
                RuntimeWarning,
                stacklevel=4,
            )

    def __getstate__(self) -> dict[str, Any]:
        """A copy records anew, into memory of its own."""
        return {**self.__dict__, "_cache": {}, "_last": None, "_trusted": (), "_moved": None, "_held": ()}

    def _update(self) -> Update:
        """How the parameters are moved: plain gradient descent is written out, and a formula beside it."""
        if getattr(self.optimizer, "plain", False):
            return "descent"
        return "lent" if getattr(self.optimizer, "by_formula", False) else self.optimizer

    def _compiled(self, params: Any, data: Sequence[Any], update: Update) -> _Compiled:
        if len(self._cache) == CACHE_LIMIT:
            warnings.warn(
                f"compile: this is the {CACHE_LIMIT + 1}th combination of shapes, dtypes and structure "
                "that the step is recorded for; each takes time and memory. Pad or drop the last batch.",
                RuntimeWarning,
                stacklevel=4,
            )
        parameters = [(path[-1] if path else None, leaf) for path, leaf in leaves(params)]
        kinds = {name: np.asarray(bare(leaf)).dtype for name, leaf in parameters}
        if not any(kind.kind == "f" for kind in kinds.values()):
            got = ", ".join(f"{name or 'params'} of {kind}" for name, kind in kinds.items()) or repr(params)
            raise TypeError(f"compile: expected a parameter of floats to differentiate by, got {got}")
        recording = record(self.loss, lambda symbols: rebuilt(params, iter(symbols)), parameters, data)
        keys = ["/".join(path) for path, _ in leaves(params)]
        assert recording.program is not None
        wanted = recording.program.wrt
        make, written = assembled(recording, keys, update)
        names = [name for name in recording.parameters if name is not None]
        key = dict(zip(recording.parameters, keys, strict=True))
        targets = tuple((key[name], names.index(name)) for name in wanted)
        differentiated = tuple(name in wanted for name in recording.parameters)
        return _Compiled(make, recording.without_values(), written, update, differentiated, targets)

    @property
    def _shown(self) -> _Compiled:
        if self._last is None:
            raise RuntimeError("compile: nothing to show yet; the step is recorded when it is first called")
        return self._last

    @property
    def source(self) -> str:
        """The NumPy source that the last call ran."""
        emitted = self._shown.emitted
        parts = [emitted.source]
        if self._shown.update == "lent":
            parts += map(self.optimizer.source, self._shown.dtypes)
        return "\n".join(parts)

    @property
    def graph(self) -> Graph:
        """The recorded computation, as for :func:`tinygrad_edu.draw`."""
        return self._shown.recording.graph

    @property
    def buffers(self) -> tuple[Buffer, ...]:
        """What lives where in the step's own memory, and in which lines of the source.

        The arrays of a loop over tiles are there once for each thread that works on it.
        """
        emitted = self._shown.emitted
        shared = [b for b in emitted.buffers if b.thread is None]
        own = [b for b in emitted.buffers if b.thread is not None]
        starts = [emitted.nbytes + t * emitted.tile_nbytes for t in range(threads_for(emitted.parts))]
        return (
            *shared,
            *(replace(b, offset=at + b.offset, thread=t) for t, at in enumerate(starts) for b in own),
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:  # noqa: ARG002  (IPython's)
        source = self.source if self._cache else "not called yet, so that there is no program yet"
        return {"text/plain": repr(self), "text/html": listing(f"{self!r}\n\n{source}")}

    def __repr__(self) -> str:
        name = getattr(self.loss, "__qualname__", repr(self.loss))
        return f"<compiled step of {name}: {len(self._cache)} signatures>"
