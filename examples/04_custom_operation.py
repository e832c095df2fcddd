"""An operation of your own, with the standing of a built-in one: log cosh, a loss without corners.

The derivative rule is plain NumPy, (g, y, *inputs) -> gradient. It is checked when it is defined.
"""

import numpy as np

import tinygrad_edu as tg


@tg.define(pullback=lambda g, y, x: g * np.tanh(x), latex=r"\log\cosh {x}", domain=(-3.0, 3.0))
def logcosh(x):
    """log cosh x, entry by entry: x²/2 near 0, |x| - log 2 far from it."""
    a = np.abs(x)
    return a + np.log1p(np.exp(-2.0 * a)) - np.log(2.0)


x = tg.Tensor(0.5)
u = logcosh(x)
J = 3 * u

# First and second derivative: the rule runs on Tensors as well.
(slope,) = tg.grad(J, [x], create_graph=True)
(curvature,) = tg.grad(slope, [x])
print(f"J = {J.item():.6f}, dJ/dx = {slope.item():.6f}, d²J/dx² = {curvature.item():.6f}")
assert np.isclose(slope.item(), 3 * np.tanh(0.5))
assert np.isclose(curvature, 3 / np.cosh(0.5) ** 2)

# It has its formula, too, and stands in derivations, pictures and compiled steps.
print(tg.derive(J, wrt=[x]))

# In a model: regression with log cosh for a cost. One measurement is far off, and hardly matters.
X = np.linspace(-1, 1, 21).reshape(1, 21)
Y = 2 * X + 1
Y[0, 3] += 50
model = tg.nn.Sequential([tg.nn.Dense(1, 1, seed=1)], cost=lambda A, Y: np.mean(logcosh(A - Y)))
tg.nn.fit(model, X, Y, optimizer=tg.optim.Adam(lr=0.05), epochs=1000)
W, b = (p.item() for p in model.parameters().values())
print(f"W = {W:.2f}, b = {b:.2f}, where 2 and 1 were drawn")

# A wrong rule is refused, with the entry where it fails.
try:

    @tg.define(pullback=lambda g, y, x: g * np.cosh(x))
    def wrong(x):
        """Log cosh with another function's slope."""
        return np.log(np.cosh(x))

except ValueError as error:
    print("refused:", error)
