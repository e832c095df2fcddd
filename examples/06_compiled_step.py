"""A training step, recorded once and then run as straight-line NumPy; the source is worth reading."""

import time

import numpy as np

import tinygrad_edu as tg

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(100, 2000)), (rng.random((1, 2000)) < 0.5) * 1.0


def loss(params, X, Y):
    """Logistic regression, as ordinary Tensor code."""
    Z = params["w"].T @ X + params["b"]
    return tg.binary_cross_entropy_with_logits(Z, Y)


params = {"w": np.zeros((100, 1)), "b": np.zeros((1, 1))}
step = tg.compile(loss, optimizer=tg.optim.SGD(lr=0.1))
costs = [step(params, X, Y) for _ in range(200)]
print(f"cost {costs[0]:.6f} -> {costs[-1]:.6f}")
print(step.source)

# The same eagerly: the same costs, to rounding.
model = tg.nn.LogisticRegression(100)
start = time.perf_counter()
eager = tg.nn.fit(model, X, Y, optimizer=tg.optim.SGD(lr=0.1), epochs=200, compile=False)
middle = time.perf_counter()
compiled = tg.nn.fit(tg.nn.LogisticRegression(100), X, Y, optimizer=tg.optim.SGD(lr=0.1), epochs=200)
end = time.perf_counter()
print("largest difference:", np.max(np.abs(np.subtract(eager.cost, costs))))
print(f"eager {(middle - start) * 5:.2f} ms a step, compiled {(end - middle) * 5:.2f} ms")
assert np.allclose(eager.cost, compiled.cost)
