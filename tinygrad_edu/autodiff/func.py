"""``tg.func``: functions in, functions out. Gradients, products with the Jacobian, Jacobians, Hessians.

The functions are ordinary NumPy code. Arguments and results may be dicts, lists and tuples, nested; a
list is such a structure, and not an array. Transforms nest to any depth: ``grad(grad(grad(f)))``.

Arrays go in and come out at the outside. Inside another transform, or for Tensors that require a
gradient, the results are Tensors with a history, so that an outer differentiation goes on through them.
What a function takes from its surroundings is a constant to the transform, as with ``tg.grad``; with a Tensor
that requires a gradient among it, the results are Tensors too, but under ``tg.no_grad``.

Names and argument order: https://docs.pytorch.org/docs/stable/func.html and
https://docs.jax.dev/en/latest/jax.html#automatic-differentiation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import wraps
from typing import Any

import numpy as np

from tinygrad_edu.autodiff.function_run import (
    Run,
    derivatives,
    has_history,
    like,
    require_function,
    run,
    seeds_for,
)
from tinygrad_edu.core.structure import alike, leaves, rebuilt
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.errors import answers, arguments_explained
from tinygrad_edu.ops.movement.joining import concatenate
from tinygrad_edu.ops.movement.shapes import reshape

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

answers(__name__, "tg.func", "tg.func.grad(f), or another of its functions")

Function = Callable[..., Any]
Argnums = int | Sequence[int]


@arguments_explained
def grad(function: Function, argnums: Argnums = 0, *, has_aux: bool = False) -> Function:
    """The function that gives the gradient of ``function``, which returns one number.

    Args:
        function: of arrays (or dicts, lists and tuples of them), written with NumPy functions.
        argnums: the argument to differentiate by, or several; the others are constants.
        has_aux: ``function`` returns ``(J, aux)``; the result is then ``(gradient, aux)``.

    Returns:
        A function of the same arguments, giving the gradient in the structure of the argument (a tuple of
        them for several argnums).

    Raises:
        TypeError: an argument is not of floating-point numbers, or the result is not a Tensor.
        ValueError: the result is not a scalar, or argnums names an argument that is not there.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> tg.func.grad(lambda x: np.sum(x**3))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> float(tg.func.grad(tg.func.grad(tg.func.grad(lambda x: x**4)))(2.0))
    48.0
    """
    both = _value_and_grad("grad", function, argnums, has_aux)

    @wraps(function)
    def gradient(*args: Any, **settings: Any) -> Any:
        value, found = both(*args, **settings)
        return (found, value[1]) if has_aux else found

    return gradient


@arguments_explained
def value_and_grad(function: Function, argnums: Argnums = 0, *, has_aux: bool = False) -> Function:
    """The function that gives ``function``'s value and its gradient, from one pass.

    Args and errors as for :func:`grad`; with ``has_aux`` the value is ``(J, aux)``.

    ``argnums`` says by which arguments, as for :func:`grad`.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> def cost(params, x):
    ...     return np.sum((params["w"] * x + params["b"]) ** 2)
    >>> J, gradients = tg.func.value_and_grad(cost)({"w": 2.0, "b": 1.0}, 3.0)
    >>> float(J), float(gradients["w"]), float(gradients["b"])
    (49.0, 42.0, 14.0)
    """
    return _value_and_grad("value_and_grad", function, argnums, has_aux)


def _value_and_grad(transform: str, function: Function, argnums: Argnums, has_aux: bool) -> Function:
    require_function(transform, function)

    @wraps(function)
    def both(*args: Any, **settings: Any) -> Any:
        this = run(transform, function, args, settings, argnums, has_aux=has_aux)
        seed = like(this.scalar(), np.ones(this.output.shape), transform, recording=this.recording)
        found = derivatives([this.output], [seed], this.xs, recording=this.recording)
        value = this.returned(this.output, this.ys)
        return ((value, this.aux) if has_aux else value), this.returned(_chosen(this.inputs, argnums), found)

    return both


@arguments_explained
def vjp(function: Function, *primals: Any) -> tuple[Any, Function]:
    """The value at ``primals``, and the function from a gradient of it to the gradients of the primals.

    The latter multiplies by the transposed Jacobian, gᵀ J, without forming it: one backward pass each call.

    Returns:
        ``(value, pull)``; ``pull(g)`` takes a gradient of the value's structure and shapes, and gives a
        tuple with one gradient for each primal.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> y, pull = tg.func.vjp(lambda x: x**2, np.array([1.0, 2.0]))
    >>> pull(np.array([1.0, 10.0]))
    (array([ 2., 40.]),)
    """
    this = run("vjp", function, primals, {}, range(len(primals)))

    def pull(gradient: Any) -> Any:
        differentiated = has_history(gradient)
        recording = this.recording or differentiated
        seeds = seeds_for(this, gradient, recording=recording)
        found = derivatives(this.ys, seeds, this.xs, recording=recording)
        return this.returned(this.inputs, found, nested=this.nested or differentiated)

    return this.returned(this.output, this.ys), pull


@arguments_explained
def jvp(function: Function, primals: Any, tangents: Any) -> tuple[Any, Any]:
    """The value at ``primals``, and its derivative in the direction of ``tangents``, J t.

    Found by two backward passes. The first gives gᵀ J, which is linear in g, so that its derivative by g
    in the direction t is J t. The cost is a few times that of the function, however many inputs it has.
    Source: https://j-towns.github.io/2017/06/12/A-new-trick.html.

    Args:
        function: of one or several arguments.
        primals: a tuple of arguments, or the one argument.
        tangents: of the same structure and shapes.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> y, dy = tg.func.jvp(np.tanh, (0.0,), (2.0,))
    >>> float(y), float(dy)
    (0.0, 2.0)
    """
    this, directions = _paired("jvp", function, primals, tangents)
    duals, pulled = _pulled_by_duals(this)
    found = derivatives(pulled, directions, duals, recording=this.recording)
    return this.returned(this.output, this.ys), this.returned(this.output, found)


@arguments_explained
def hvp(function: Function, primals: Any, tangents: Any) -> Any:
    """The Hessian of ``function``, which returns one number, times ``tangents``: H t, without forming H.

    The gradient of ⟨∇f, t⟩, at the cost of two gradients.
    Source: B. Pearlmutter, *Fast exact multiplication by the Hessian*, Neural Computation 6, 1994.

    Args:
        function: of one or several arguments.
        primals: a tuple of arguments, or the one argument.
        tangents: of the same structure and shapes.

    Returns:
        The product, in the structure of ``primals``.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> tg.func.hvp(lambda x: x[0] ** 2 * x[1], np.array([1.0, 2.0]), np.array([1.0, 0.0]))
    array([4., 2.])
    """
    this, directions = _paired("hvp", function, primals, tangents)
    gradient = derivatives([this.scalar()], [_one(this)], this.xs, recording=True)
    product = this.returned(this.inputs, derivatives(gradient, directions, this.xs, recording=this.recording))
    return product if isinstance(primals, tuple) else product[0]


@arguments_explained
def jacobian(function: Function, argnums: Argnums = 0) -> Function:
    """The function that gives the Jacobian: each entry of the result, derived by each entry of the argument.

    The function runs once. Then follows one backward pass for each entry of the result, or, where the
    inputs have fewer entries, one for each of those (see :func:`jvp`).

    ``argnums`` says by which arguments, as for :func:`grad`.

    Returns:
        A function of the same arguments. For an array in and out, an array of shape
        ``result.shape + argument.shape``; otherwise such arrays in the structure of the result, and in
        each of its places that of the argument.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> tg.func.jacobian(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
    array([[3., 0., 1.],
           [0., 3., 2.]])
    """
    return _jacobian("jacobian", function, argnums)


@arguments_explained
def hessian(function: Function, argnums: Argnums = 0) -> Function:
    """The function that gives the matrix of second derivatives of ``function``, which returns one number.

    Shapes and structures as for :func:`jacobian`, of which it is one: that of the gradient.

    ``argnums`` says by which arguments, as for :func:`grad`.

    >>> import numpy as np
    >>> import tinygrad_edu as tg
    >>> tg.func.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    return _jacobian("hessian", _of_one_number("hessian", function, argnums), argnums)


def _of_one_number(transform: str, function: Function, argnums: Argnums) -> Function:
    both = _value_and_grad(transform, function, argnums, has_aux=False)
    return lambda *args, **settings: both(*args, **settings)[1]


def _jacobian(transform: str, function: Function, argnums: Argnums) -> Function:
    @wraps(function)
    def matrix(*args: Any, **settings: Any) -> Any:
        this = run(transform, function, args, settings, argnums)
        xs, ys = this.xs, this.ys
        if sum(y.size for y in ys) <= sum(x.size for x in xs):
            blocks = [_rows(this, y) for y in ys]
        else:
            duals, pulled = _pulled_by_duals(this)
            columns = [_columns(this, gx, duals) for gx in pulled]
            blocks = [[column[k] for column in columns] for k in range(len(ys))]
        argument = _chosen(this.inputs, argnums)
        return rebuilt(this.output, iter([this.returned(argument, block) for block in blocks]))

    return matrix


def _rows(this: Run, y: Tensor) -> list[Any]:
    """The derivative of y by every input leaf, one entry of y after the other."""
    units = _units(y, this.recording)
    rows = [derivatives([y], [unit], this.xs, recording=this.recording) for unit in units]
    return [_stacked([r[k] for r in rows], 0, y.shape + x.shape, x) for k, x in enumerate(this.xs)]


def _columns(this: Run, gx: Tensor, duals: Sequence[Tensor]) -> list[Any]:
    """The derivative of every output leaf by one input, one entry of the input after the other."""
    units = _units(gx, this.recording)
    columns = [derivatives([gx], [unit], duals, recording=this.recording) for unit in units]
    return [_stacked([c[k] for c in columns], 1, y.shape + gx.shape, y) for k, y in enumerate(duals)]


def _units(x: Tensor, recording: bool) -> Iterator[Any]:
    """An array of x's shape for each of its entries, 1 there and 0 elsewhere."""
    for k in range(x.size):
        unit = np.zeros(x.shape, x.dtype)
        unit.flat[k] = 1
        yield like(x, unit, "unit", recording=recording)


def _stacked(parts: Sequence[Any], axis: int, shape: tuple[int, ...], of: Tensor) -> Any:
    """The rows (axis 0) or columns (axis 1) of a matrix, as an array of that shape."""
    if not parts:
        return np.zeros(shape, of.dtype)
    long = (1, -1) if axis == 0 else (-1, 1)
    return reshape(concatenate([reshape(part, long) for part in parts], axis), shape)


def _pulled_by_duals(this: Run) -> tuple[list[Tensor], list[Tensor]]:
    """gᵀ J as a function of g: Tensors g of the output's shapes, and the gradients recorded from them."""
    duals = [Tensor(np.ones_like(y._data), requires_grad=True, dtype=y.dtype) for y in this.ys]
    return duals, derivatives(this.ys, duals, this.xs, recording=True)


def _one(this: Run) -> Tensor:
    return Tensor(np.ones_like(this.output._data), requires_grad=False, dtype=this.output.dtype)


def _paired(transform: str, function: Function, primals: Any, tangents: Any) -> tuple[Run, list[Any]]:
    """A run at the primals, and the directions of the same structure and shapes."""
    if isinstance(primals, tuple):
        args, directions = primals, tangents
    else:
        args, directions = (primals,), (tangents,)
    if alike(args) != alike(directions):
        raise TypeError(
            f"{transform}: expected tangents in the structure of the primals, an array for each, "
            f"got {type(tangents).__name__} for {type(primals).__name__}"
        )
    this = run(transform, function, args, {}, range(len(args)), beside=tangents)
    flat = [t for _, t in leaves(directions)]
    what = f"{transform}: the tangent"
    return this, [like(x, t, what, recording=this.recording) for x, t in zip(this.xs, flat, strict=True)]


def _chosen(inputs: tuple[Any, ...], argnums: Argnums) -> Any:
    """One argument by itself, several as a tuple."""
    return inputs[0] if isinstance(argnums, int) else inputs
