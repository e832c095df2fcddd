"""``nn.fit``: the training loop."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinygrad_edu.compiler.recording_cache import recordings_of
from tinygrad_edu.core.arguments import plain
from tinygrad_edu.core.mode import no_grad
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import arguments_explained, shown
from tinygrad_edu.nn.batches import Batches, Order, Validation, held_out, shuffled
from tinygrad_edu.nn.callbacks import called_after_each_epoch
from tinygrad_edu.nn.checkpoint import OPTIMIZER, OPTIMIZER_WITHOUT_RATE, SECONDS, digest, place
from tinygrad_edu.nn.dropout import training
from tinygrad_edu.nn.evaluation import Judge
from tinygrad_edu.nn.foreign_settings import FIT
from tinygrad_edu.nn.history import History
from tinygrad_edu.nn.normalise import BatchNorm, noting
from tinygrad_edu.nn.optim.base import Optimizer, check_unlocked
from tinygrad_edu.nn.parameter_discovery import buffers_of, objects_in, parameters_of
from tinygrad_edu.nn.prediction import Answering
from tinygrad_edu.nn.progress import progress_bar
from tinygrad_edu.nn.stopping import EarlyStopping, Stopping, stopping_rule
from tinygrad_edu.nn.training_run import Run
from tinygrad_edu.nn.training_step import Model, compiled_step, constants, eager_step, is_ours
from tinygrad_edu.nn.training_warnings import beforehand
from tinygrad_edu.nn.weighting import weights_of
from tinygrad_edu.settings import at_least, finite, numbers, taking, whole, yes_or_no


@partial(arguments_explained, known=FIT)
def fit(
    model: Model,
    X: Any,
    Y: Any,
    *,
    optimizer: Optimizer,
    epochs: int,
    batch_size: int | None = None,
    shuffle: Order = True,
    seed: int = 0,
    validation: Validation = None,
    early_stopping: EarlyStopping | int | None = None,
    sample_weight: Any = None,
    class_weight: Any = None,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    checkpoint_seconds: float = SECONDS,
    resume: bool = False,
    callbacks: Any = (),
    progress: bool | None = None,
    compile: bool = True,  # noqa: A002  (as tg.compile)
) -> History:
    """Trains a model on examples X (n_x, m) with labels Y, in place.

    Args:
        model: has ``parameters()``, which are updated so that its ``loss(X, Y)`` falls. Without that method
            they are the Tensors found in its attributes.
        X: the examples, one a column.
        Y: their labels, (1, m) or (C, m).
        optimizer: updates the parameters; it keeps its averages, so a later fit continues with them.
        epochs: how often to go through all the examples; with ``resume``, counted from the beginning.
        batch_size: examples per update; None takes all of them, so that an epoch is one update.
        shuffle: whether mini-batches are drawn in a new order each epoch; or a function of the epoch
            (from 0) and m that returns the order.
        seed: decides the order, and which examples are held out where ``validation`` is a share.
        validation: examples (X, Y) to evaluate after each epoch, or the share of the data to hold out.
        early_stopping: an :class:`EarlyStopping`, or its patience in epochs; needs ``validation``.
        sample_weight: (m,), a factor for the cost of each example, applied before the mean over m.
        class_weight: a factor for the examples of each class, by label, ``{0: 1.0, 1: 5.0}``; or "balanced",
            which gives all classes the same total weight.
        checkpoint: a file (.npz) for the state of the training. It is written at the beginning, at regular
            intervals, when training is interrupted, and at the end; not after the cost has become nan or inf.
        checkpoint_every: the interval in epochs; None writes it by time.
        checkpoint_seconds: the interval in seconds; saving takes at most 2 % of the time.
        resume: continue from the checkpoint, if there is one, to the same result as without interruption.
            Where the cost had become nan or inf, the learning rate may be changed.
        callbacks: functions of the :class:`History`, called after each epoch; one that returns True, or a
            reason, ends the training. A function or a list of them.
        progress: whether to show a bar, in a notebook with the curve of the cost. By default one is shown
            in a notebook and on a terminal.
        compile: whether to record the cost once for each shape of batch, and from then on run it as
            straight-line NumPy (:func:`tinygrad_edu.compile`). A cost whose code depends on values, or that
            has side effects, needs False.

    Returns:
        The :class:`History`: ``history.cost[k]`` is the cost before update k.

    Raises:
        TypeError: an unknown setting; no model or no optimiser; with ``compile``, a cost whose code
            depends on values.
        ValueError: shapes or labels that do not fit, no examples, values that are not finite, or a
            checkpoint of another training.
        RuntimeError: a graph recorded earlier still needs a parameter, because ``backward()`` has not been
            called on it.

    Training ends early, with a warning, when the cost becomes nan or inf.

    >>> import tinygrad_edu as tg
    >>> X, Y = np.array([[-2.0, -1.0, 1.0, 2.0]]), np.array([[0, 0, 1, 1]])
    >>> model = tg.nn.LogisticRegression(1)
    >>> history = tg.nn.fit(model, X, Y, optimizer=tg.optim.SGD(lr=1.0), epochs=100)
    >>> round(history.cost[0], 6), model.predict(X)
    (0.693147, array([[0, 0, 1, 1]]))
    """
    check_kinds(model, optimizer)
    epochs, seed = whole("epochs", epochs, 0), whole("seed", seed, 0)
    batch_size = None if batch_size is None else whole("batch_size", batch_size, 1)
    shuffle, compile = shuffled(shuffle), yes_or_no("compile", compile)  # noqa: A001
    resume = yes_or_no("resume", resume)
    progress = None if progress is None else yes_or_no("progress", progress)
    rule = stopping_rule(early_stopping)
    callbacks = called_after_each_epoch(callbacks, model)
    if rule is not None and validation is None:
        raise ValueError("early_stopping: it watches the validation cost; give validation=, too")
    if resume and checkpoint is None:
        raise ValueError("resume: expected checkpoint=, the file to go on from")
    file = place(checkpoint, checkpoint_every, checkpoint_seconds)
    parameters = to_train(model)
    X, Y = _examples(X, Y, model)
    axes = _axes(model, X, Y, cut=batch_size is not None or isinstance(validation, float))
    weights = weights_of(model, Y, sample_weight, class_weight, _dtype(model))
    if weights is not None:
        taking("sample_weight, class_weight: loss of the model", model.loss, "X, Y, weights")
    X, Y, kept, used = held_out(X, Y, validation, seed, axes)
    if weights is not None and used is not None:
        weights = weights[:, used]
    if kept is not None:
        kept = _examples(*kept, model, "validation: ")
    optimizer.bind(parameters)
    _check_rate(optimizer)
    for said in beforehand(model):
        warnings.warn(f"fit: {said}", stacklevel=3)
    arrays, over = ((X, Y), axes) if weights is None else ((X, Y, weights), (*axes, 1))
    batches = Batches(arrays, over, batch_size=batch_size, shuffle=shuffle, seed=seed)
    generators = objects_in(model, np.random.Generator)
    if batches.smallest == 1 and objects_in(model, BatchNorm):
        _try_one_example(model, arrays, over, generators)
    run = Run(
        {**parameters, **buffers_of(model)},
        optimizer,
        (compiled_step if compile else eager_step)(model, parameters, optimizer),
        batches,
        None if kept is None else Judge(model, *kept, compiled=compile),
        Stopping(rule),
        generators,
        {} if file is None else facts(model, parameters, optimizer, rule) | _data(batches, kept, generators),
        file,
        [*callbacks, partial(_refuse_frozen, parameters)] if callbacks else (),
        History(steps_per_epoch=len(batches)),
        watched=bool(callbacks) or callable(shuffle) or not is_ours(optimizer),
    )
    if resume:
        run.resume()
    try:
        with progress_bar(epochs, run.history.epochs, shown=progress) as report:
            run.until(epochs, report)
    finally:
        recordings_of(model).let_go()
    return run.history


def facts(
    model: Any, parameters: Mapping[str, Tensor], optimizer: Optimizer, rule: EarlyStopping | None
) -> dict[str, Any]:
    """What has to be the same in the model and the optimiser when training resumes."""
    settings = {name: getattr(optimizer, name) for name in optimizer.settings}
    return {
        OPTIMIZER: repr(optimizer),
        OPTIMIZER_WITHOUT_RATE: [type(optimizer).__name__, settings],
        "the parameters": {name: f"{p.dtype} {p.shape}" for name, p in parameters.items()},
        "the model": getattr(model, "architecture", {}) or repr(type(model).__qualname__),
        "early_stopping": repr(rule),
    }


def _data(
    batches: Batches, kept: tuple[Any, Any] | None, generators: Sequence[np.random.Generator]
) -> dict[str, Any]:
    """What has to be the same in the data and the random numbers when training resumes."""
    order = batches.shuffle
    judged = {} if kept is None else {"the validation data": digest(*kept)}
    return judged | {
        "the number of examples": batches.m,
        "the data": digest(*batches.arrays),
        "batch_size": batches.size,
        "shuffle": getattr(order, "__qualname__", repr(order)),
        "seed": batches.seed,
        "the number of random generators": len(generators),
    }


def check_kinds(model: Any, optimizer: Any) -> None:
    """Raises TypeError unless these are a model and an optimiser."""
    if isinstance(model, type) or not callable(getattr(model, "loss", None)):
        raise TypeError(f"fit: expected a model with parameters() and loss(X, Y), got {shown(model)}")
    taking("fit: loss of the model", model.loss, "X, Y")
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"fit: optimizer: expected one of tg.optim, such as tg.optim.SGD(lr=0.1), got {shown(optimizer)}"
        )


def to_train(model: Model) -> dict[str, Tensor]:
    """The parameters that require a gradient."""
    found = {name: p for name, p in parameters_of(model).items() if p.requires_grad}
    if not found:
        raise ValueError("fit: the model has no parameter that requires a gradient")
    check_unlocked("fit", found)
    return found


def _check_rate(optimizer: Optimizer) -> None:
    """Raises unless the learning rate at step 0 is a number of at least 0."""
    rate = optimizer.schedule(0) if callable(optimizer.schedule) else optimizer.schedule
    at_least(f"optimizer: the learning rate {optimizer.schedule!r} at step 0", rate, 0)


def _examples(X: Any, Y: Any, model: Model, where: str = "") -> tuple[NDArray[Any], NDArray[Any]]:
    """X and Y as arrays in the model's dtype, converted once rather than in each step."""
    X, Y = numbers(where + "X", plain(X)), numbers(where + "Y", plain(Y))
    if isinstance(model, Answering):
        try:
            model.check(X, Y)
        except ValueError as error:
            raise ValueError(f"{where}{error}") from None
    finite(where + "X", X), finite(where + "Y", Y)
    dtype = _dtype(model)
    return _in(X, dtype, model), _in(Y, dtype, model)


def _dtype(model: Any) -> np.dtype[Any]:
    return np.result_type(*(p.dtype for p in parameters_of(model).values()))


def _axes(model: Any, X: NDArray[Any], Y: NDArray[Any], *, cut: bool) -> tuple[int, int]:
    """The axes of X and Y that run over the examples. Where these are cut, both have as many."""
    for name, array in (("X", X), ("Y", Y)):
        if not array.ndim:
            raise ValueError(f"{name}: expected an array with an entry for each example, got {array}")
    x, y = getattr(model, "example_axes", (1, 1))
    x, y = min(x, X.ndim - 1), min(y, Y.ndim - 1)
    m = X.shape[x]
    in_rows = m == 1 < len(X) == len(Y) and not hasattr(model, "example_axes")
    if cut and (Y.shape[y] != m or in_rows):
        raise ValueError(
            f"X, Y: expected as many labels as examples, one a column, got X {X.shape} and Y {Y.shape}; "
            "where they are rows, the model says so: example_axes = 0, 0"
        )
    return x, y


def _try_one_example(
    model: Any, arrays: Sequence[Any], axes: Sequence[int], generators: Sequence[np.random.Generator]
) -> None:
    """Raises ValueError where the model cannot be trained on one example, as a normalisation of batches."""
    states = [generator.bit_generator.state for generator in generators]
    one = constants(*(np.take(a, [0], axis) for a, axis in zip(arrays, axes, strict=True)))
    try:
        with no_grad(), training(), noting():
            model.loss(*one)
    except ValueError as error:
        raise ValueError(f"batch_size: it leaves a last batch of one example: {error}") from None
    finally:
        for generator, state in zip(generators, states, strict=True):
            generator.bit_generator.state = state


def _refuse_frozen(parameters: Mapping[str, Tensor], _: History) -> None:
    """Raises ValueError where a callback has frozen a parameter, which is trained on."""
    frozen = [name for name, p in parameters.items() if not p.requires_grad]
    if frozen:
        raise ValueError(
            f"callbacks: {', '.join(frozen)} no longer requires a gradient, and fit has begun to train it; "
            "freeze between two calls of fit, and give each an optimiser of its own"
        )


def _in(array: NDArray[Any], dtype: np.dtype[Any], model: Model) -> NDArray[Any]:
    counts = isinstance(model, Answering) and not model.takes_integers
    if array.dtype == dtype or (array.dtype.kind != "f" and not counts):
        return array
    return array.astype(dtype)
