"""What errors say: what was expected, what came, what to write. Arrays are told by their shape."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.core.op import Op

W = tg.Tensor(np.arange(12.0).reshape(3, 4), name="W")
x = tg.Tensor(np.ones((4, 5)), name="x", requires_grad=False)
Z = W @ x
J = tg.mean(Z)


def WRITTEN(x: Any) -> Any:
    return x


def set_data() -> None:
    (W @ x).data = np.zeros((3, 5))


def picked_by_floats() -> None:
    step = tg.compile(lambda params, X: tg.sum(params["E"][X]))
    step({"E": np.ones(3)}, np.array([0.0, 1.0]))


@pytest.mark.parametrize(
    ("act", "error", "told"),
    [
        (set_data, TypeError, r"data: expected a leaf, .* \(3, 5\) is the result of matmul; .*t.detach"),
        (lambda: tg.Tensor([[1, 2], [3]]), ValueError, "Tensor: expected rows of equal length, got list"),
        (lambda: tg.grad(J, [x]), TypeError, r"grad: .* x \(4, 5\) is a constant; .*requires_grad=True"),
        (lambda: tg.grad(Z, [W]), ValueError, r"grad\(\) start from a scalar, .* \(3, 5\)"),
        (lambda: tg.derive(J, wrt=[x]), TypeError, "derive: .* x is a constant; .*requires_grad=True"),
        (lambda: tg.Graph(J).find(tg.Tensor(np.ones(99))), KeyError, r"Tensor \(99,\) is not in this graph"),
        (lambda: tg.optim.SGD([x], lr=1), TypeError, r"SGD: parameters: 0: .* got x \(4, 5\), a constant"),
        (lambda: tg.optim.SGD([Z], lr=1), TypeError, r"SGD: parameters: 0: .* the result of matmul"),
        (tg.log, TypeError, r"log: expected 1 array \(x\), got 0"),
        (lambda: tg.func.grad(lambda w: (w, w))(W), TypeError, "grad: expected one number .* got tuple"),
        (lambda: tg.sigmoyd, AttributeError, "'sigmoyd'; did you mean sigmoid"),
        (lambda: tg.nn.Dence, AttributeError, "tg.nn has no Dence; did you mean Dense?"),
        (lambda: tg.optim.Adma, AttributeError, "tg.optim has no Adma; did you mean Adam"),
        (lambda: tg.data.moonz, AttributeError, "tg.data has no moonz; did you mean moons?"),
        (lambda: tg.nn.MLP([2, 1]).predct, AttributeError, "MLP has no predct; did you mean predict"),
        (lambda: tg.nn.LogisticRegression("a"), ValueError, "LogisticRegression: n_x: expected a whole"),
        (lambda: tg.data.flower("a"), ValueError, "flower: m: expected an even number of examples"),
        (lambda: tg.data.Scaling.of("a"), TypeError, "Scaling: X: expected numbers, got 'a'"),
        (lambda: tg.step_through(J, 3), TypeError, "step_through: expected the path of a file"),
        (lambda: tg.step_through(3, "a.html"), TypeError, "expected a Tensor or a Graph, got int"),
        (lambda: tg.step_through(J, "a.html", title=3), TypeError, "step_through: title: expected a string"),
        (lambda: tg.step_through(Z, "a.html"), ValueError, r"Z has shape \(3, 5\); reduce it first"),
        (lambda: tg.step_through(J, "no/a.html"), FileNotFoundError, "there is no folder no to write a.html"),
        (lambda: tg.draw(J, "no/a.svg"), FileNotFoundError, "draw: there is no folder no to write a.svg in"),
        (lambda: tg.export.onnx(abs, W, "no/a.onnx"), FileNotFoundError, "onnx: there is no folder no"),
        (lambda: tg.distributed.train, AttributeError, "tg.distributed has no train; it has fit"),
        (lambda: tg.Graph(J)["dW"], KeyError, r"names are those of values, .* graph.find\('W'\).grad"),
        (lambda: tg.Graph(J)["Zz"], KeyError, "'Zz' is not in this graph; did you mean Z?"),
        (lambda: tg.Graph(J)[7], TypeError, "expected the name of a node, or its Tensor, got 7"),
        (lambda: tg.Tensor(3.0)[0], IndexError, "one number has no axes.*write t.item()"),
        (lambda: tg.clip(W, 1, 2, 3, 4), TypeError, r"at most 3 arguments, \(x, a_min, a_max\), got 5"),
        (lambda: tg.sum(W, 0, axis=1), TypeError, "sum: 'axis' is given by position and by name"),
        (lambda: tg.exp(np.array([1j])), TypeError, "exp: expected real numbers, got ndarray of"),
        (lambda: tg.var(np.array(["a"])), TypeError, "var: expected real numbers, got ndarray of dtype <U1"),
        (lambda: tg.stack([np.array([1j])]), TypeError, "stack: expected real numbers"),
        (lambda: tg.where(True, 1j, 2.0), TypeError, "where: expected real numbers, got ndarray"),
        (picked_by_floats, IndexError, r"integers, booleans or slices; got float64. .*y.astype\(int\)"),
        (W.item, ValueError, r"item: expected a Tensor of one element, .* \(3, 4\); write t\[i, j\].item"),
        (lambda: f"{W:.3f}", ValueError, r"'.3f' formats one number, and this Tensor has shape \(3, 4\)"),
        (lambda: W.sum(axis="x"), TypeError, "sum: expected whole numbers as axis, got 'x'"),
        (lambda: W.reshape("x"), TypeError, "reshape: expected whole numbers as shape, got 'x'"),
        (lambda: tg.reshape(W), TypeError, "reshape: expected a value for shape: write shape="),
        (lambda: tg.expand_dims(W), TypeError, "expand_dims: expected a value for axis: write axis="),
        (lambda: tg.leaky_relu(W, slope="a"), TypeError, "leaky_relu: expected a number as slope, got 'a'"),
        (lambda: tg.stack(W, W), TypeError, r"as axis, got Tensor \(3, 4\); write stack\(\[a, b\]\)"),
        (lambda: tg.convolve(W, W), ValueError, "convolve: .* expected vectors, with one axis"),
        (lambda: tg.transpose(W, (0,)), ValueError, "transpose: W .* expected each axis once"),
        (lambda: tg.ldexp(W, 0.5), TypeError, "ldexp: values of these types do not fit"),
        (lambda: tg.embedding(W, [9]), IndexError, "list of 1: expected ids from 0 to 3, got some from 9"),
        (lambda: np.einsum(W, W), ValueError, "einsum: expected subscripts .* first"),
        (lambda: tg.Tensor(1.0, dtype="flaot32"), TypeError, "expected a dtype such as 'float32', got"),
        (lambda: W["a"], IndexError, r"getitem: W .* integers, booleans or slices; got 'a'$"),
        (lambda: W[np.array([0.0])], IndexError, r"getitem: W .*; got float64. .*y.astype\(int\)"),
        (lambda: W[9], IndexError, r"getitem: W .* index 9 is out of bounds"),
        (lambda: J.backward(create_graph=True), TypeError, r"here it is tg.grad\(J, \[w\], create"),  # type: ignore[call-arg]
        (lambda: tg.func.vjp(np.sin, 1.0)[1]("a"), TypeError, "vjp: the gradient: expected real numbers"),
        (lambda: tg.func.grad(pow, (0, 0))(1.0, 2.0), ValueError, "expected each argument once"),
        (lambda: tg.func.grad(pow, (0, -2))(1.0, 2.0), ValueError, "expected each argument once"),
        (lambda: tg.define(pullback=3)(WRITTEN), TypeError, "pullback: expected a function .* got 3"),  # type: ignore[arg-type]
        (lambda: tg.Graph([J]), TypeError, r"expected Tensors, got list; write Graph\(\*outputs"),  # type: ignore[arg-type]
        (lambda: tg.Graph(J).find("w"), KeyError, "did you mean W"),
        (lambda: tg.draw(J).save(3), TypeError, "expected the path of a file, such as 'J.svg', got 3"),  # type: ignore[arg-type]
        (lambda: tg.stop_gradient(J), AttributeError, r"here it is t.detach\(\)"),
        (lambda: tg.compile(abs, optimizer=tg.optim.SGD), TypeError, r"make one: SGD\(lr=0.1\)"),  # type: ignore[arg-type]
        (lambda: tg.compile(abs)({"w": 1.0}, X=3), TypeError, "by position, .*; got X by name"),
        (lambda: tg.compile(np.sum)({"w": np.ones(2, int)}), TypeError, "of floats .* got w of int64"),
        (lambda: tg.export.onnx(abs, W, "a.txt"), ValueError, "ends in .onnx, got 'a.txt'"),
        (lambda: tg.save(W, "a.npz"), TypeError, r"or arrays by name, got W \(3, 4\)$"),
        (lambda: tg.load("nowhere.npz"), FileNotFoundError, "load: there is no file nowhere.npz"),
        (lambda: tg.nn.MLP([2, 1]).loss(x), TypeError, "loss: expected Y as well"),
        (lambda: tg.nn.fit(np.ones(9), x, x, optimizer=tg.optim, epochs=1), TypeError, r"ndarray \(9,\)$"),
        (lambda: tg.optim.SGD([], lr=1), ValueError, "parameters: expected at least one"),
        (lambda: tg.optim.SGD(tg.nn.MLP([2, 1]).parameters, lr=1), TypeError, r"SGD\(model.parameters\(\)"),
        (lambda: tg.optim.SGD(lr=lambda: 1), TypeError, "lr: expected a number, or a function of the step t"),  # type: ignore[misc, arg-type]
        (lambda: tg.no_grad(3), TypeError, "no_grad: takes at most 0 by position, got 1"),  # type: ignore[call-arg]
        (lambda: sorted(W), ValueError, r"np.sort\(.*np.sort\(.*axis=None\)"),  # type: ignore[type-var]
        (lambda: tg.sum(np.ones(3), axis=4), ValueError, r"sum: ndarray \(3,\): axis 4 is out of bounds"),
        (lambda: tg.max_pool2d(np.ones((1, 2, 2, 1)), 3), ValueError, "max_pool2d: .* does not fit"),
        (lambda: tg.conv2d(np.ones((1, 5, 5, 1)), np.ones((3, 3, 2, 1))), ValueError, "^conv2d: ndarray"),
        (lambda: tg.func.grad(3), TypeError, "grad: expected a function, got int"),
        (lambda: tg.func.grad(abs, "a")(W), TypeError, "argnums: expected the number of an argument"),
        (lambda: tg.func.hvp(np.sum, (W,), 3), TypeError, "expected tangents .*, got int for tuple"),
        (lambda: tg.define(pullback=abs, domain=(3, 1))(WRITTEN), ValueError, "expected an interval such as"),
        (lambda: tg.define(pullback=abs, domains=(1, 3)), TypeError, "domains; did you mean domain"),
        (lambda: tg.draw(J, "a.svg", "b.svg"), TypeError, "expected one file after the tensor, got 'a.svg'"),
        (lambda: tg.draw(J).save(), TypeError, r"save: expected path as well; it takes \(path\)"),
        (lambda: tg.derive(J).latex(shape=True), TypeError, "latex has no shape; did you mean shapes"),
        (lambda: tg.check.compare(J, {"dW": W}, m=0), ValueError, "m: expected the number .* got 0"),
        (lambda: tg.check.gradients(abs, x, epsilon=0), ValueError, "expected a step above 0, got 0"),
        (lambda: tg.check.update(3), TypeError, "update: expected the step as a function, got int"),
        (lambda: tg.compile(abs, optimizer="sgd"), TypeError, "expected one of tg.optim, got 'sgd'"),
        (lambda: tg.nn.Dense(2, 3)(3), ValueError, r"its input \(\): expected one example a column"),
        (lambda: tg.nn.Embedding(5, 2)([9]), ValueError, r"expected words \(T, m\).* got shape \(1,\)"),
        (lambda: tg.nn.MLP([2, 1]).predict(), TypeError, "predict: expected X as well"),
        (lambda: tg.nn.fit(tg.nn.MLP, x, x, optimizer=tg.optim, epochs=1), TypeError, "expected a model"),
        (lambda: tg.nn.init.he(3), TypeError, r"he: expected a shape \(n\[l\], n\[l-1\]\), got 3"),
        (lambda: tg.nn.plots.costs(3), TypeError, "costs: expected histories by name, .* got int"),
        (lambda: tg.nn.plots.tangents(abs, "a"), TypeError, "expected the steps as numbers, got 'a'"),
        (lambda: tg.nn.plots.gradient_norms(3), TypeError, "expected a list of gradients by name, got int"),
        (lambda: tg.data.scaled(x.data, np.ones((1, 5))), ValueError, "expected the 4 features"),
        (lambda: tg.course.initialize_parameters(2, "a", 1), ValueError, "each at least 1, got .2, 'a'"),
        (lambda: tg.course.L_layer_model(x.data, x.data, 3), TypeError, "expected layer sizes .* got 3"),
    ],
)  # fmt: skip
def test_an_error_says_what_was_expected_what_came_and_what_to_write(
    act: Callable[[], object], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told) as caught:
        act()
    assert len(str(caught.value)) < 400


def test_a_file_that_save_did_not_write(tmp_path: Path) -> None:
    other = tmp_path / "other.npz"
    other.write_text("no archive")
    with pytest.raises(ValueError, match=r"no .npz archive; expected a file that tg.save wrote.*np.load"):
        tg.load(other)


def test_an_empty_csv_file(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    with pytest.raises(ValueError, match=r"expected a first line .* the file is empty"):
        tg.data.csv(empty, "y")


@pytest.mark.parametrize(
    "asked",
    [
        lambda t: 1 if t > 0 else 2,
        lambda t: t > 0 and t,
        lambda t: not t > 0,
        lambda t: bool(t > 0),
        lambda t: 0 < t < 1,
        lambda t: [1 for _ in range(3) if t <= 0.5],
        lambda t: t.ndim and any(t > 0),
        lambda t: t.ndim and not all(t > 0),
        lambda t: t.ndim and all(row > 0 for row in t),
    ],
)
def test_a_condition_on_many_entries_is_answered_with_where_and_all(asked: Callable[..., object]) -> None:
    with pytest.raises(
        ValueError, match=r"\((3, )?4,?\) entries, .*np\.where\(.*np\.all\(.*np\.any\("
    ) as caught:
        asked(W)
    if "0 < t" in str(caught.value):
        assert "np.all((0 < t) & (t < 1))" in str(caught.value)
    asked(tg.Tensor(0.5))


@pytest.mark.parametrize("text", ["max(0, W)", "min(W, 0)"])
def test_max_of_arrays_is_answered_where_the_source_cannot_be_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"Entry by entry: np\.(maximum|minimum)\("):
        eval(text, {"W": W})
    assert eval("max(0, t)", {"t": tg.Tensor(3.0)}).item() == 3.0


def test_comparisons_that_nobody_takes_for_one_answer_stay_arrays() -> None:
    assert np.sum(W > 5) == 6
    assert [row.any() for row in W > 100] == [False] * 3
    assert any(W[0] > 2)
    assert not all(W[:, :1] > 0)
    assert np.where(W > 5, W, 0.0).shape == (3, 4)

    def bool(value: object) -> object:  # noqa: A001  (a function of the user's)
        return value

    assert bool(W > 5).shape == (3, 4)  # type: ignore[attr-defined]


def public_functions() -> dict[str, Callable[..., object]]:
    """What users call, without the course's own formulas and the operations; results are made by no user."""
    rooms = (tg, tg.check, tg.check.student, tg.func, tg.data, tg.nn, tg.nn.plots, tg.optim, tg.distributed)
    named = {name: getattr(room, name) for room in rooms for name in room.__all__}
    results = {"Derivation", "Program", *tg.check.__all__, *tg.data.__all__}
    return {
        name: value
        for name, value in named.items()
        if callable(value)
        and not isinstance(value, (ModuleType, Op))
        and not (isinstance(value, type) and (name in results or issubclass(value, (Exception, Warning))))
        and value not in (tg.Tensor, tg.define, tg.optim.Optimizer)
        and not value.__module__.startswith("tinygrad_edu.ops")
    }


@pytest.mark.parametrize("name", sorted(public_functions()))
def test_a_function_says_which_arguments_it_takes(name: str) -> None:
    function = public_functions()[name]
    parameters = inspect.signature(function).parameters.values()
    taken = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        for right in (p.name for p in taken[-2:]):
            with pytest.raises(TypeError, match=f"{name} has no {right}x; did you mean {right}"):
                function(**{f"{right}x": 3})
    needed = [p.name for p in taken if p.default is p.empty and p.kind is not p.POSITIONAL_ONLY]
    if needed:
        with pytest.raises(TypeError, match=rf"{name}: expected {needed[0]}.* as well; it takes \("):
            function()
        with pytest.raises(TypeError, match=r"given twice|takes at most 0 by position|goes by name"):
            function(3, **{needed[0]: 3})


def test_an_error_from_inside_a_function_is_left_as_it_is() -> None:
    def wrong(x: tg.Tensor) -> tg.Tensor:
        return x.missing(3, 4)  # type: ignore[attr-defined, no-any-return]

    def with_too_many(x: tg.Tensor) -> tg.Tensor:
        return wrong(x, x)  # type: ignore[call-arg]

    with pytest.raises(AttributeError, match="missing"):
        tg.func.grad(wrong)(W)
    with pytest.raises(TypeError, match="takes 1 positional argument but 2 were given"):
        tg.func.grad(with_too_many)(W)


def modules_that_hold_functions() -> list[str]:
    return [name for name, value in vars(tg).items() if isinstance(value, ModuleType) and name not in UNASKED]


UNASKED = {"core", "elsewhere", "errors", "expression", "ops", "cli", "settings"}


def test_a_module_that_is_called_says_what_to_call() -> None:
    assert {"page", "check", "nn", "func", "optim", "data", "export"} <= set(modules_that_hold_functions())
    for name in modules_that_hold_functions():
        with pytest.raises(TypeError, match=rf"tg.{name} is a module, not a function; write .*tg\."):
            getattr(tg, name)(J)
    with pytest.raises(TypeError, match=r"write tg.check.student.check_file"):
        tg.check.student("a.py")  # type: ignore[operator]


def test_modules_go_where_modules_can_go() -> None:
    assert pickle.loads(pickle.dumps(tg.nn)) is tg.nn
    assert copy.deepcopy(tg.nn) is tg.nn
    assert not hasattr(tg.nn, "Linear")
    assert importlib.import_module("tinygrad_edu.check.student") is tg.check.student


def test_no_error_is_its_own_cause() -> None:
    model = tg.nn.LogisticRegression(2)  # its cost refuses labels, below several operations
    for act in (
        lambda: tg.conv2d(np.ones((1, 5, 5, 1)), np.ones((3, 3, 2, 1))),
        lambda: tg.max_pool2d(np.ones((1, 2, 2, 1)), 3),
        lambda: model.loss(np.ones((2, 3)), np.full((1, 3), 3.0)),
        lambda: tg.compile(lambda p, X, Y: model.loss(X, Y))({}, np.ones((2, 3)), np.full((1, 3), 3.0)),
    ):
        with pytest.raises((ValueError, TypeError)) as caught:
            act()
        seen: list[BaseException] = []
        one: BaseException | None = caught.value
        while one is not None:
            assert one not in seen
            seen.append(one)
            one = one.__cause__
