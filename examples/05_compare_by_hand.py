"""A derivation by hand, checked line by line; three typical mistakes, and what is said about them."""

import numpy as np

import tinygrad_edu as tg

rng = np.random.default_rng(1)
m = 8
X, Y = rng.normal(size=(3, m)), (rng.random((1, m)) < 0.5) * 1.0

# The two-layer network of the notes.
W1, b1 = tg.Tensor(rng.normal(size=(4, 3))), tg.Tensor(np.zeros((4, 1)))
W2, b2 = tg.Tensor(rng.normal(size=(1, 4))), tg.Tensor(np.zeros((1, 1)))
Z1 = W1 @ X + b1
A1 = tg.tanh(Z1)
Z2 = W2 @ A1 + b2
A2 = tg.sigmoid(Z2)
J = tg.binary_cross_entropy(A2, Y)

# S4 of the notes, in NumPy.
dZ2 = A2.data - Y
dW2 = dZ2 @ A1.data.T / m
db2 = np.sum(dZ2, axis=1, keepdims=True) / m
dZ1 = W2.data.T @ dZ2 * (1 - A1.data**2)
dW1 = dZ1 @ X.T / m
db1 = np.sum(dZ1, axis=1, keepdims=True) / m
print("right:")
print(tg.check.compare(J, {"dZ2": dZ2, "dW2": dW2, "db2": db2, "dZ1": dZ1, "dW1": dW1, "db1": db1}))

print("\n1/m forgotten at db2 (X6 of the notes):")
print(tg.check.compare(J, {"db2": np.sum(dZ2, axis=1, keepdims=True)}))

print("\nthe slope of tanh without its square (X39), and what follows from it:")
dZ1 = W2.data.T @ dZ2 * (1 - A1.data)
print(tg.check.compare(J, {"dZ1": dZ1, "dW1": dZ1 @ X.T / m}))

print("\na transpose at the wrong place:")
print(tg.check.compare(J, {"dW2": A1.data @ dZ2.T / m}))

print("\nand without any derivation, by central differences:")


def cost(W1):
    """J as a function of W1 alone."""
    A2 = tg.sigmoid(W2 @ np.tanh(W1 @ X + b1) + b2)
    return tg.binary_cross_entropy(A2, Y)


print(tg.check.gradients(cost, W1))
