"""Whole trainings of an L-layer network: gradient descent on all examples, and on mini-batches.

(:mod:`logistic` and :mod:`two_layer` hold their own, ``model`` and ``nn_model``.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tinygrad_edu.course.initialisation import Seed, generator, initialize_parameters_deep
from tinygrad_edu.course.l_layer import L_model_forward, cost_of_network, update_parameters
from tinygrad_edu.course.optimisers import (
    initialize_adam,
    random_mini_batches,
    update_parameters_with_adam,
    update_parameters_with_momentum,
)
from tinygrad_edu.course.regularisation import (
    backward_propagation_with_dropout,
    backward_propagation_with_regularization,
    compute_cost_with_regularization,
    dropout_masks,
    forward_propagation_with_dropout,
)
from tinygrad_edu.course.shapes import Array, check_examples

__all__ = ["HYPERPARAMETERS", "L_layer_model", "mini_batch_model"]

HYPERPARAMETERS = {
    "learning_rate": "α, the step of gradient descent",
    "num_iterations": "how many steps, on the whole batch",
    "num_epochs": "how many passes, on mini-batches",
    "layers_dims": "L, and n[0] to n[L]",
    "activations": "g[1] to g[L]",
    "scale": "of the initial weights",
    "mini_batch_size": "examples a step",
    "optimizer": "gradient descent, momentum (β = 0.9), or Adam",
    "lambd": "λ of L2 regularisation",
    "keep_prob": "of dropout",
}
"""D9: what is chosen, under the names it has here; W and b, the parameters, are learnt."""


def L_layer_model(
    X: Array,
    Y: Array,
    layers_dims: Sequence[int],
    learning_rate: float = 0.0075,
    num_iterations: int = 2500,
    seed: Seed = 1,
    scale: str | float = "xavier",
    activations: Sequence[str] | None = None,
    lambd: float = 0.0,
    keep_prob: float = 1.0,
    record_every: int = 100,
) -> tuple[dict[str, Array], list[float]]:
    """Gradient descent on the whole batch: the trained parameters, and the recorded costs.

    The cost recorded at iteration i is the one before update i. As in the exercise, either L2
    regularisation (``lambd``) or dropout (``keep_prob``, masks from seed 1 at each iteration), not both.

    >>> import numpy as np
    >>> X, Y = np.array([[-1.0, 0.0, 1.0]]), np.array([[0, 1, 0]])
    >>> _, costs = L_layer_model(X, Y, [1, 6, 1], 0.5, 301, scale="he")
    >>> costs[-1] < 0.5 < costs[0]
    True
    """
    _check("L_layer_model", X, layers_dims)
    if lambd and keep_prob < 1:
        raise ValueError(
            f"L_layer_model: expected lambd or dropout, got lambd={lambd} and keep_prob={keep_prob}"
        )
    parameters = initialize_parameters_deep(layers_dims, seed, scale)
    costs: list[float] = []
    for i in range(num_iterations):
        if keep_prob < 1:
            masks = dropout_masks(layers_dims, X.shape[1], keep_prob)
            AL, caches = forward_propagation_with_dropout(X, parameters, masks, keep_prob, activations)
            grads = backward_propagation_with_dropout(AL, Y, caches, masks, keep_prob, activations)
        else:
            AL, caches = L_model_forward(X, parameters, activations)
            grads = backward_propagation_with_regularization(AL, Y, caches, lambd, activations)
        if i % record_every == 0:
            costs.append(float(compute_cost_with_regularization(AL, Y, parameters, lambd, activations)))
        parameters = update_parameters(parameters, grads, learning_rate)
    return parameters, costs


def mini_batch_model(
    X: Array,
    Y: Array,
    layers_dims: Sequence[int],
    optimizer: str = "gd",
    learning_rate: float = 0.0007,
    mini_batch_size: int = 64,
    num_epochs: int = 10000,
    seed: Seed = 3,
    batch_seed: int = 10,
    activations: Sequence[str] | None = None,
    record_every: int = 1000,
) -> tuple[dict[str, Array], list[float]]:
    """Gradient descent, momentum or Adam on mini-batches, from He's initial parameters.

    Epoch e = 0, 1, ... shuffles with the legacy generator at ``batch_seed + 1 + e``. The cost recorded for
    an epoch is that of its last mini-batch before its update, as the exercise prints it.

    >>> import numpy as np
    >>> X, Y = np.array([[-1.0, 0.0, 1.0]]), np.array([[0, 1, 0]])
    >>> _, costs = mini_batch_model(X, Y, [1, 6, 1], "adam", 0.01, 2, num_epochs=1001)
    >>> costs[1] < 0.1 < costs[0]
    True
    """
    _check("mini_batch_model", X, layers_dims)
    parameters = initialize_parameters_deep(layers_dims, generator(seed), "he")
    step = _optimizer(optimizer, parameters, learning_rate)
    costs: list[float] = []
    for epoch in range(num_epochs):
        for batch_X, batch_Y in random_mini_batches(X, Y, mini_batch_size, batch_seed + 1 + epoch):
            AL, caches = L_model_forward(batch_X, parameters, activations)
            grads = backward_propagation_with_regularization(AL, batch_Y, caches, 0.0, activations)
            parameters = step(parameters, grads)
        if epoch % record_every == 0:
            costs.append(float(cost_of_network(AL, batch_Y, activations)))
    return parameters, costs


Update = Callable[[dict[str, Array], dict[str, Array]], dict[str, Array]]


def _optimizer(name: str, parameters: dict[str, Array], learning_rate: float) -> Update:
    """The update of that name, which keeps its own averages from step to step."""
    v, s = initialize_adam(parameters)
    t = 0

    def gd(parameters: dict[str, Array], grads: dict[str, Array]) -> dict[str, Array]:
        return update_parameters(parameters, grads, learning_rate)

    def momentum(parameters: dict[str, Array], grads: dict[str, Array]) -> dict[str, Array]:
        nonlocal v
        parameters, v = update_parameters_with_momentum(parameters, grads, v, 0.9, learning_rate)
        return parameters

    def adam(parameters: dict[str, Array], grads: dict[str, Array]) -> dict[str, Array]:
        nonlocal v, s, t
        t += 1
        parameters, v, s = update_parameters_with_adam(parameters, grads, v, s, t, learning_rate)
        return parameters

    updates = {"gd": gd, "momentum": momentum, "adam": adam}
    if name not in updates:
        raise ValueError(f"optimizer: expected one of {', '.join(updates)}, got {name!r}")
    return updates[name]


def _check(where: str, X: Array, layers_dims: Sequence[int]) -> None:
    check_examples(where, X)
    if not hasattr(layers_dims, "__getitem__"):
        raise TypeError(f"{where}: layers_dims: expected layer sizes such as [2, 4, 1], got {layers_dims!r}")
    if X.shape[0] != layers_dims[0]:
        raise ValueError(
            f"{where}: layers_dims[0]: expected {X.shape[0]}, the features of X, got {layers_dims[0]}"
        )
