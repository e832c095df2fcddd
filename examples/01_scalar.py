"""One value, followed through the whole engine: what happens to b = 3.0 in J = 3(a + bc)?

Run it from anywhere: ``python examples/01_scalar.py``. It writes J.svg and J.html where you are.
"""

import numpy as np

import tinygrad_edu as tg
from tinygrad_edu.core.table import OPS


def told(room, text):
    """What a room makes of the value, line by line."""
    for line in str(text).splitlines():
        print(f"{room:9}", line)


# core: the number becomes a leaf. It remembers nothing yet, but it can be differentiated.
a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
print("core     ", b, "was computed by", b.op)

# ops: b * c looks "multiply" up in the table of operations, computes 6.0, and notes where it came from.
u = b * c
print("ops      ", u, "was computed by", u.op, "from", u.inputs)
print("         ", "the value's formula is", OPS["multiply"].latex)

# The derivative rule stands beside the value, once, in plain NumPy: (g, y, *inputs) -> one input's gradient.
rules = [rule for rule in OPS["multiply"].pullbacks if rule is not None]
du_db, du_dc = (rule(1.0, 6.0, 3.0, 2.0) for rule in rules)
print("         ", f"with g = 1 its rules give {du_db} for b and {du_dc} for c")

# core: backward lines the values up in the order in which they were recorded, and walks back.
v = a + u
J = 3 * v
J.backward()
print(
    "backward ", f"J = {J.item()}: dv = {v.grad}, du = {u.grad}, da = {a.grad}, db = {b.grad}, dc = {c.grad}"
)

# graph: the record is frozen; every value gets its name from the variable that holds it.
print("graph    ", list(tg.Graph(J)))

# graph: flattened, forward and backward, to one straight line of named steps. All that follows reads this.
told("program", tg.Program.of(J))

# derive: the program as mathematics.
told("derive", tg.derive(J, wrt=[a, b, c]))

# compile: the program as code, with everything superfluous dropped.
step = tg.compile(lambda p: 3 * (p["a"] + p["b"] * p["c"]))
print("compile  ", step({"a": a, "b": b, "c": c}))
told("", step.source)

# draw: as a picture, and as a page that walks through it.
tg.draw(J, "J.svg")
tg.step_through(J, "J.html")
print("draw     ", "wrote J.svg and J.html")

# check: by differences, and against a derivation by hand, with a mistake in it.
print("check    ", tg.check.gradients(lambda a, b, c: 3 * (a + b * c), a, b, c).ok)
told("", tg.check.compare(J, {"da": 3.0, "du": 3.0, "db": 3.0 * c.data, "dc": -9.0}))

# nn: the same in a training step: b moves against its gradient, and J falls.
tg.optim.SGD([b], lr=0.1).step()
print("nn       ", f"b = {b.item():.1f}, J = {(3 * (a + b * c)).item():.1f}")

assert np.isclose(b.item(), 3.0 - 0.1 * 6.0)
