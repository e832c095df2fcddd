"""The source of a derivation serves another number of examples, whatever the network and its layout."""

import inspect

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.graph.axes_cases import CASES, Maker, Sizes

NOT_SAID = {
    "columns_three_layers_penalised": "0.7 / (2 * m) is one number, out of sight",
    "columns_library_costs": "a copy of the labels has no name",
    "rows_huber": "a mask has no name",
    "rows_bias_in_the_weights": "the data with ones beside it has no name",
    "sequence_rnn_rows": "the first state has no name",
    "sequence_rnn_columns": "the first state has no name",
    "sequence_lstm_gates": "the first state has no name",
    "sequence_attention_batched": "the root of a size, out of sight, has no name",
}
"""What is an argument of the source under a made name, or a number that stays as it was."""


class Named(Maker):
    """Gives data as named constants, index arrays by name, and named parameters."""

    def __init__(self, seed):
        super().__init__(as_tensors=False, seed=seed)
        self.given, self.parameters = {}, {}

    def _constant(self, array):
        return self._kept(self.given, tg.Tensor(array, requires_grad=False, name=f"D{len(self.given)}"))

    def _kept(self, where, tensor):
        where[tensor.name] = tensor
        return tensor

    def data(self, *shape, scale=1.0):
        return self._constant(super().data(*shape, scale=scale))

    def bits(self, *shape):
        return self._constant(super().bits(*shape))

    def hot(self, n, m):
        return self._constant(np.eye(n)[super().labels(n, m)])

    def labels(self, n, *shape):
        return self.given.setdefault(f"L{len(self.given)}", super().labels(n, *shape))

    def weights(self, *shape):
        tensor = tg.Tensor(super().weights(*shape).data, name=f"P{len(self.parameters)}")
        return self._kept(self.parameters, tensor)


@pytest.mark.parametrize("name", [name for name in CASES if name not in NOT_SAID])
def test_the_source_serves_another_m(name):
    build, _ = CASES[name]
    maker = Named(0)
    J = build(Sizes(), maker)[0]
    given = maker.given  # as a caller's variable
    wanted = [p for p in maker.parameters if p in tg.Graph(J)]
    space = {}
    exec(tg.derive(J, wanted).numpy_source(), space)
    del given
    sizes, other = Sizes(), Named(1)
    sizes.m = 4
    right = tg.grad(build(sizes, other)[0], [other.parameters[p] for p in wanted])
    have = {k: v.data if isinstance(v, tg.Tensor) else v for k, v in (other.given | other.parameters).items()}
    found = space["gradients"](
        **{k: v for k, v in have.items() if k in inspect.signature(space["gradients"]).parameters}
    )
    for p, gradient in zip(wanted, right, strict=True):
        np.testing.assert_allclose(found[f"d{p}"], gradient.data, rtol=1e-8, atol=1e-10)
