"""A network of three layers: mini-batches, Adam, validation, early stopping, a picture of its layers.

The planar "flower" of the course: two colours of petals that no straight line separates.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu import data

X, Y = data.flower(400)
order = np.random.default_rng(0).permutation(400)
train, test = order[:300], order[300:]

model = tg.nn.MLP([2, 16, 8, 1], activation="tanh", output="sigmoid", init="xavier", seed=1)
print(model, {name: parameter.shape for name, parameter in model.parameters().items()})

history = tg.nn.fit(
    model,
    X[:, train],
    Y[:, train],
    optimizer=tg.optim.Adam(lr=tg.optim.ExponentialDecay(0.02, factor=0.5, every=1000), clip_norm=1.0),
    epochs=400,
    batch_size=32,
    validation=0.2,
    early_stopping=60,
    seed=1,
)
print(history, history.stopped)
print(f"best epoch {history.best_epoch}, validation cost {min(history.validation_cost):.4f}")
for name, part in (("train", train), ("test", test)):
    print(f"accuracy {name} {model.accuracy(X[:, part], Y[:, part]):.1%}")

# What was recorded, layer by layer.
J = model.loss(X[:, train], Y[:, train])
tg.draw(J, "network.svg", detail="layers")
print("wrote network.svg")

# And as the notes write it.
print(tg.derive(J, wrt=["W3", "b3", "W2", "b2", "W1", "b1"]))
