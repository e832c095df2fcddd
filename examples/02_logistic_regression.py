"""Logistic regression three times: the course's NumPy on Tensors, the derivation by hand, and tg.nn.

Two measurements of flowers decide between two kinds; the data are drawn here, so nothing is downloaded.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.course import logistic

rng = np.random.default_rng(0)
m = 200
Y = (np.arange(m) % 2).reshape(1, m)
X = rng.normal(size=(2, m)) + np.array([[1.5], [-1.0]]) * Y

# 1. The course's forward pass, as it stands in the notes. On Tensors it records itself.
# np.exp(t) and Y * t do the same as tg.exp(t) and t * Y, but type checkers take them for arrays.
w, b = tg.Tensor(np.zeros((2, 1))), tg.Tensor(np.zeros((1, 1)))
Z = w.T @ X + b
A = 1 / (1 + tg.exp(-Z))
J = -tg.mean(tg.log(A) * Y + tg.log(1 - A) * (1 - Y))
dw, db = tg.grad(J, [w, b])
print(f"J = {J.item():.6f}, dw = {dw.ravel()}, db = {db.item():.6f}")

# 2. The derivation by hand, L12 of the notes, gives the same.
by_hand, _ = logistic.propagate(w.data, b.data, X, Y)
print(tg.check.compare(J, {"dw": by_hand["dw"], "db": by_hand["db"].reshape(1, 1)}))

# 3. Training. The cost at k is the one before update k, so the first is log 2.
model = tg.nn.LogisticRegression(2)
history = tg.nn.fit(model, X, Y, optimizer=tg.optim.SGD(lr=0.5), epochs=300)
print(f"cost {history.cost[0]:.6f} -> {history.cost[-1]:.6f}, accuracy {model.accuracy(X, Y):.1%}")

# The notes' own training, step for step.
_, costs = logistic.model(X, Y, num_iterations=300, learning_rate=0.5, record_every=1)
print("largest difference from the notes' training:", np.max(np.abs(np.subtract(history.cost, costs))))
