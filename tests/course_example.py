"""The course's first graph, J = 3(a + bc) at 5, 3, 2, every value named."""

import tinygrad_edu as tg


def example():
    a, b, c = tg.Tensor(5.0, name="a"), tg.Tensor(3.0, name="b"), tg.Tensor(2.0, name="c")
    u = b * c
    u.name = "u"
    v = a + u
    v.name = "v"
    J = 3 * v
    J.name = "J"
    return J
