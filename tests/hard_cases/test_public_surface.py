"""The public names: each is there, takes what it promises, and what is misused says what was expected."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T

SIGNATURES = {
    "Tensor": ["value", "*requires_grad", "*name", "*dtype"],
    "Tensor.backward": ["self", "gradient", "*retain_graph"],
    "grad": ["output", "inputs", "gradient", "*create_graph"],
    "derive": ["J", "wrt"],
    "compile": ["loss", "*optimizer"],
    "draw": ["output", "path", "*backward"],
    "step_through": ["output", "path"],
    "check.compare": ["J", "manual", "convention"],
    "check.gradients": ["f", "inputs", "*order"],
    "check.explain": ["J", "which"],
    "softmax_cross_entropy": ["Z", "Y", "*axis"],
    "binary_cross_entropy": ["A", "Y"],
    "binary_cross_entropy_with_logits": ["Z", "Y"],
    "nn.Dense": ["n_in", "n_out", "activation"],
    "nn.LogisticRegression": ["n_x"],
    "nn.MLP": ["sizes", "*activation", "*output", "*init", "*seed"],
    "nn.Sequential": ["layers"],
    "nn.fit": ["model", "X", "Y", "*optimizer", "*epochs", "*batch_size", "*seed"],
}
NAMES = [
    "func.grad",
    "func.value_and_grad",
    "func.vjp",
    "func.jvp",
    "func.jacobian",
    "func.hessian",
    "func.hvp",
    "no_grad",
    "define",
    "scope",
    "Graph",
    "StaleGraphError",
    "course.formulas",
    "nn.init.zeros",
    "nn.init.xavier",
    "nn.init.he",
    "optim.SGD",
    "optim.Momentum",
    "optim.Nesterov",
    "optim.RMSProp",
    "optim.Adam",
    "optim.AdamW",
    "sigmoid",
    "relu",
    "leaky_relu",
    "softplus",
    "gelu",
    "softmax",
    "log_softmax",
    "logsumexp",
    "dropout",
    "conv2d",
    "max_pool2d",
    "avg_pool2d",
]
FAMILIES = [
    "add",
    "subtract",
    "multiply",
    "divide",
    "power",
    "exp",
    "log",
    "sqrt",
    "sin",
    "cos",
    "tan",
    "sinh",
    "cosh",
    "tanh",
    "arcsin",
    "arctan",
    "abs",
    "sign",
    "minimum",
    "maximum",
    "where",
    "clip",
    "sum",
    "mean",
    "var",
    "std",
    "prod",
    "cumsum",
    "cumprod",
    "sort",
    "argsort",
    "median",
    "quantile",
    "reshape",
    "transpose",
    "concatenate",
    "stack",
    "split",
    "pad",
    "tile",
    "flip",
    "roll",
    "repeat",
    "matmul",
    "dot",
    "tensordot",
    "einsum",
    "outer",
    "trace",
    "take",
    "take_along_axis",
    "linalg.norm",
    "linalg.inv",
    "linalg.solve",
    "linalg.det",
    "linalg.slogdet",
    "linalg.cholesky",
    "linalg.eigh",
    "linalg.svd",
]


def named(path, start=tg):
    for part in path.split("."):
        start = getattr(start, part)
    return start


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name):
    parameters = inspect.signature(named(name)).parameters.values()
    shown = [("*" if p.kind is p.KEYWORD_ONLY else "") + p.name for p in parameters]
    assert [p for p in shown if p in SIGNATURES[name]] == SIGNATURES[name]


@pytest.mark.parametrize("name", [*NAMES, *SIGNATURES])
def test_everything_public_is_there_and_documented(name):
    assert inspect.getdoc(named(name)), name


@pytest.mark.parametrize("name", FAMILIES)
def test_each_family_answers_to_its_numpy_name(name):
    function = named(name, np)
    x = np.array([[2.0, 0.5], [0.25, 1.5]])
    two = [
        "add",
        "subtract",
        "multiply",
        "divide",
        "power",
        "minimum",
        "maximum",
        "matmul",
        "dot",
        "tensordot",
        "outer",
    ]
    extra = {
        "take": ([0, 1],),
        "take_along_axis": (np.array([[0], [1]]), 1),
        "where": (x, x),
        "clip": (0.3, 1.0),
        "quantile": (0.3,),
        "reshape": ((4,),),
        "split": (2,),
        "pad": (1,),
        "tile": (2,),
        "roll": (1,),
        "repeat": (2,),
        "linalg.solve": (np.ones(2),),
    }.get(name, (x,) if name in two else ())
    if name in ("concatenate", "stack"):
        result = function([T(x), x])
    elif name == "einsum":
        result = function("ij,jk->ik", T(x), x)
    else:
        result = function(T(x / 3 if name == "arcsin" else x), *extra)
    assert isinstance(result, (tg.Tensor, tuple, list)) or name == "argsort"


def test_the_course_example():
    a, b, c = tg.Tensor(5.0, name="a"), tg.Tensor(3.0, name="b"), tg.Tensor(2.0, name="c")
    u = b * c
    v = a + u
    J = 3 * v
    J.backward()
    assert (J.item(), a.grad, b.grad, c.grad, u.grad, v.grad) == (33.0, 3.0, 6.0, 9.0, 3.0, 3.0)
    assert (u.inputs, u.op.name, a.inputs, a.op) == ((b, c), "multiply", (), None)


def test_attributes_of_a_tensor():
    t = T([[1.0, 2.0, 3.0]], name="t")
    assert (t.shape, t.ndim, t.size, t.dtype, t.name, t.op, t.inputs, t.requires_grad, t.grad) == (
        (1, 3), 2, 3, np.float64, "t", None, (), True, None,
    )  # fmt: skip
    assert type(t.data) is type(t.numpy()) is np.ndarray
    assert t.T.shape == (3, 1)
    t.name = "new"
    assert t.name == "new"
    detached = t.detach()
    assert isinstance(detached, tg.Tensor)
    assert not detached.requires_grad


def test_a_report():
    x = T(3.0, name="x")
    J = x * x
    report = tg.check.compare(J, {"dx": 6.0})
    assert report.ok
    assert report["dx"].ok
    assert report["dx"].error == 0.0
    wrong = tg.check.compare(J, {"dx": -6.0})
    assert not wrong.ok
    assert wrong["dx"].diagnosis.codes[0] == "sign"
    assert wrong["dx"].diagnosis.text
    assert "dx" in str(wrong)
    with pytest.raises(KeyError, match="dx"):
        wrong["dy"]


MISUSE = {
    "Tensor of nothing": (lambda: tg.Tensor(None), TypeError, "real numbers"),
    "Tensor of words": (lambda: tg.Tensor("abc"), TypeError, "real numbers"),
    "Tensor of Tensors": (lambda: tg.Tensor([T(1.0), T(2.0)]), TypeError, r"np\.stack"),
    "Tensor of a ragged list": (
        lambda: tg.Tensor([[1.0], [1.0, 2.0]]),
        ValueError,
        "expected rows of equal length",
    ),
    "backward from a vector": (lambda: T([1.0, 2.0]).backward(), ValueError, "scalar"),
    "backward from a constant": (
        lambda: tg.Tensor([1.0], requires_grad=False).backward(),
        RuntimeError,
        "nothing to differentiate",
    ),
    "backward with another shape": (
        lambda: (T([1.0, 2.0]) * 2).backward(np.ones(3)),
        ValueError,
        r"\(2,\), got \(3,\)",
    ),
    "backward with words": (lambda: (T([1.0, 2.0]) * 2).backward("abc"), TypeError, "real numbers"),
    "grad of a number": (lambda: tg.grad(3.0, [T(1.0)]), TypeError, "float"),
    "grad by a number": (lambda: tg.grad(T(1.0), [3.0]), TypeError, "float"),
    "grad by a constant": (
        lambda: tg.grad(T(1.0), [tg.Tensor(1.0, requires_grad=False)]),
        TypeError,
        "constant",
    ),
    "grad of a vector": (lambda: tg.grad(T([1.0, 2.0]), [T(1.0)]), ValueError, "scalar"),
    "shapes that do not fit": (
        lambda: T(np.ones((4, 3)), name="W1") @ T(np.ones((2, 400)), name="X"),
        ValueError,
        r"W1 \(4, 3\) @ X \(2, 400\): inner dimensions 3 and 2",
    ),
    "shapes that do not broadcast": (
        lambda: T(np.ones(3), name="a") + T(np.ones(2), name="b"),
        ValueError,
        r"a \(3,\) \+ b \(2,\)",
    ),
    "labels in a column": (
        lambda: tg.binary_cross_entropy(T(np.full((1, 3), 0.5)), np.ones((3, 1))),
        ValueError,
        r"\(1, 3\), got \(3, 1\)",
    ),
    "labels that are 2": (lambda: tg.binary_cross_entropy(T([[0.5]]), np.array([[2]])), ValueError, "0 or 1"),
    "labels that are nan": (
        lambda: tg.softmax_cross_entropy(T([[0.5]]), np.array([[np.nan]])),
        ValueError,
        "0 or 1",
    ),
    "no examples": (
        lambda: tg.binary_cross_entropy_with_logits(T(np.ones((1, 0))), np.ones((1, 0))),
        ValueError,
        "at least one example",
    ),
    "a convention": (
        lambda: tg.check.compare(T(1.0) * 2, {"dx": 1.0}, convention="mine"),
        ValueError,
        "course",
    ),
    "nothing to compare": (lambda: tg.check.compare(T(1.0) * 2, {}), ValueError, "nothing to compare"),
    "a stranger compared": (lambda: tg.check.compare(T(1.0, name="x") * 2, {"dy": 1.0}), KeyError, "dx"),
    "words compared": (
        lambda: tg.check.compare(T(1.0, name="x") * 2, {"dx": "two"}),
        TypeError,
        "real numbers",
    ),
    "a network of one size": (lambda: tg.nn.MLP([3]), ValueError, "at least two"),
    "an unknown activation": (lambda: tg.nn.Dense(2, 3, "magic"), ValueError, "relu"),
    "layers that do not fit": (
        lambda: tg.nn.Sequential([tg.nn.Dense(2, 3), tg.nn.Dense(4, 1)]),
        ValueError,
        "3 units.*expects 4",
    ),
    "data transposed": (lambda: tg.nn.MLP([3, 1])(np.ones((5, 3))), ValueError, "transposed"),
    "an optimizer by name": (
        lambda: tg.nn.fit(tg.nn.MLP([3, 1]), np.ones((3, 2)), np.ones((1, 2)), optimizer="sgd", epochs=1),
        TypeError,
        "optimi",
    ),
    "a model by name": (
        lambda: tg.nn.fit("mlp", np.ones((3, 2)), np.ones((1, 2)), optimizer=tg.optim.SGD(lr=0.1), epochs=1),
        TypeError,
        "model",
    ),
    "a function without a rule": (lambda: np.i0(T(1.0)), TypeError, r"np\.i0.*tg\.define"),
    "dropout with a seed": (lambda: tg.dropout(T(np.ones(3)), 0.5, rng=3), TypeError, "generator"),
    "dropping everything": (lambda: tg.dropout(T(np.ones(3)), 0.0), ValueError, "above 0"),
    "a rule that is wrong": (
        lambda: tg.define(pullback=lambda g, y, x: g * 2.001 * x, name="wrong_square")(lambda x: x * x),
        ValueError,
        "differences",
    ),
}


@pytest.mark.parametrize(("call", "kind", "message"), MISUSE.values(), ids=MISUSE)
def test_misuse_says_what_was_expected(call, kind, message):
    with pytest.raises(kind, match=f"(?s){message}") as caught:
        call()
    assert type(caught.value) is not AssertionError
    assert len(str(caught.value)) < 600
