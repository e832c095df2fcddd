"""Code of the caller's that a derivation runs again changes nothing, and does not take long."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as tg
from tinygrad_edu.graph.code import running
from tinygrad_edu.graph.code.plain import only_reads

W = tg.Tensor(np.arange(12.0).reshape(4, 3) / 10, name="W")
events: list[str] = []


class Loud:
    """An object that tells what is done with it."""

    def __init__(self, array):
        object.__setattr__(self, "kept", array)

    def __array__(self, dtype=None, copy=None):
        events.append("__array__")
        return self.kept

    def __getattr__(self, name):
        if not name.startswith("_"):
            events.append(name)
        raise AttributeError(name)

    def __getitem__(self, k):
        events.append("__getitem__")
        return self.kept[k]

    def __len__(self):
        events.append("__len__")
        return len(self.kept)

    def __iter__(self):
        events.append("__iter__")
        return iter(self.kept)

    def __eq__(self, other):
        events.append("__eq__")
        return False

    def __hash__(self):
        events.append("__hash__")
        return 0

    def __call__(self, x):
        events.append("__call__")
        return x


class LoudNumber(int):
    def __mul__(self, other):
        events.append("__mul__")
        return int(self) * other


def called(x):
    events.append("called")
    return x


def ones(X):
    """Labels that no variable holds, so that their code is searched for."""
    return np.sum(np.tanh(W @ X) * np.eye(4)[[0, 1, 2, 3, 0]].T)


def saves(X, path):
    np.save(path, X)
    np.savetxt(path, X)
    Y = np.savez(path, X)
    assert Y is None
    events.append("saves")
    return ones(X)


def writes(X, path):
    (X * 2).tofile(path)
    events.append("writes")
    return ones(X)


def loads(X, path):
    np.save(path, X)
    Y = np.load(path)
    path.unlink()
    Z = np.zeros((4, 5))
    Z[:3] = Y
    return np.sum(np.tanh(W @ X) * Z)


def sets_errors(X, path):
    np.seterr(divide="ignore")
    np.set_printoptions(precision=3)
    events.append("set")
    return ones(X)


def prints(X, path):
    print("once", X.shape)
    return ones(X)


def writes_into_an_argument(X, path):
    np.subtract(X, 1, X)
    np.add(X, 1, out=X)
    np.clip(X, -5, 5, X)
    X *= 2
    X.sort()
    np.fill_diagonal(X, 7)
    np.copyto(X, X + 1)
    X[0, 0] += 1
    return ones(X)


def consumes(X, path):
    values = iter(X.tolist())
    rows = (row for row in values)
    Y = np.array([[*next(rows), 1.0] for _ in range(2)])
    events.append(f"{len(list(rows))} left")
    return np.sum(np.tanh(W @ X)[:2] ** 2 * Y[:, :5])


def has_objects(X, path):
    loud = Loud(X)
    Y = np.asarray(loud) + len(loud) + loud[0] + loud(1)
    events.append("made")
    return np.sum((W @ X)[:3] * Y)


def has_an_array_of_objects(X, path):
    numbers = np.array([LoudNumber(k) for k in range(5)], dtype=object)
    Y = (numbers * 2 + LoudNumber(3) * 4).astype(float)
    return np.sum((W @ X) * Y)


def has_a_function_of_its_own(X, path):
    loud = np.frompyfunc(called, 1, 1)
    Y = loud(np.array([1.0, 2.0, 3.0, 4.0, 5.0])).astype(float) + np.vectorize(called)(X[0])
    Z = np.piecewise(X[0], [X[0] > 0], [called, called]) + np.apply_along_axis(called, 0, X)[1]
    return np.sum((W @ X) * (Y + Z))


def sorts_by_a_function(X, path):
    Y = np.array(sorted([3.0, 1.0, 2.0, 5.0, 4.0], key=called)) + max([1.0, 2.0], key=called)
    return np.sum((W @ X) * Y)


def fills_a_dictionary(X, path):
    from collections import defaultdict

    found = defaultdict(lambda: called(2.0))
    Y = np.full(5, found["a"]) * found["b"]
    events.append(f"{len(found)} members")
    found.clear()
    return np.sum((W @ X) * Y)


COSTS = [
    saves, writes, loads, sets_errors, prints, writes_into_an_argument, consumes, has_objects,
    has_an_array_of_objects, has_a_function_of_its_own, sorts_by_a_function, fills_a_dictionary,
]  # fmt: skip


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("look", [lambda J: tg.derive(J, W).numpy_source(), lambda J: str(tg.Graph(J))])
def test_nothing_is_done_twice(cost, look, tmp_path, capsys):
    events.clear()
    X = np.linspace(-1, 1, 15).reshape(3, 5)
    file = tmp_path / "file.npy"
    with np.errstate(), np.printoptions():
        J = cost(X, file)
        before = X.copy(), list(events), np.geterr(), np.get_printoptions()
        for path in tmp_path.iterdir():
            path.unlink()
        said = capsys.readouterr()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            look(J)
        np.testing.assert_array_equal(X, before[0])
        assert events == before[1]
        assert np.geterr() == before[2]
        assert np.get_printoptions() == before[3]
        assert not [*tmp_path.iterdir()]
        assert capsys.readouterr() == ("", "")
    assert said.out == ("once (3, 5)\n" if cost is prints else "")


def test_no_random_number_is_drawn():
    rng = np.random.default_rng(0)

    def state():
        return rng.bit_generator.state, [str(part) for part in np.random.get_state()]  # noqa: NPY002

    def cost(X):
        kept = (rng.random((4, 5)) < 0.5) & (np.random.rand(4, 5) < 0.5)  # noqa: NPY002
        order = rng.permutation(5)
        np.random.shuffle(order)  # noqa: NPY002
        return np.mean((W @ X[:, order]) ** 2 * kept)

    J = cost(np.linspace(0, 1, 15).reshape(3, 5))
    before = state()
    tg.derive(J, W).numpy_source()
    assert state() == before


def test_a_masked_array_stays_out_of_what_is_read():
    def cost(X, mask):
        known = np.ma.masked_array(X, mask)
        centred = (known - known.mean()).filled(0.0)
        return np.mean((W @ X) ** 2) + np.mean((W @ centred) ** 2)

    X = np.linspace(0, 1, 15).reshape(3, 5)
    assert "known" not in tg.derive(cost(X, X > 0.5), W).numpy_source()


def test_a_file_in_memory_is_read_and_not_written(tmp_path):
    X = np.memmap(tmp_path / "X", dtype=float, mode="w+", shape=(3, 5))
    X[:] = np.linspace(0, 1, 15).reshape(3, 5)
    X.flush()
    before = (tmp_path / "X").read_bytes()

    def cost(X, W):
        Y = np.zeros((4, X.shape[1]))
        Y[1] = X[0] > 0.5
        return np.sum(np.tanh(W @ X) * Y)

    assert "0.5" in tg.derive(cost(X, W), "W").numpy_source()
    X.flush()
    assert (tmp_path / "X").read_bytes() == before


def filled_in_a_long_loop(n):
    Y = np.zeros((4, 5))
    for k in range(n):
        Y[k % 4, k % 5] = k
    return Y


def grown_in_a_long_loop(n):
    Y = np.zeros(n)
    for k in range(30):
        Y += Y + k
    return Y[:5]


def made_of_many(n):
    return np.array([sum(range(n)) * 0 + k for k in range(5)], dtype=float)


def multiplied_often(n):
    A = np.ones((500, 500)) / 500
    for _ in range(n // 1000):
        A = A @ A
    return A[0, :5]


def joined_in_a_comprehension(n):
    return np.array([k % 7 for k in range(n)])[-5:] * 1.0


def sorted_often(n):
    Y = np.arange(n // 10) % 7 * 1.0
    for _ in range(50):
        Y = np.sort(Y)
    return Y[:5]


MAKERS = [
    filled_in_a_long_loop, grown_in_a_long_loop, made_of_many, multiplied_often, joined_in_a_comprehension,
    sorted_often,
]  # fmt: skip


def work_of(maker, n, monkeypatch):
    """How much was done, and the most that may be."""
    done = []
    spend = running.Work.spend

    def noted(self, cost):
        done.append(cost)
        spend(self, cost)

    def cost(X, n):
        Y = maker(n)
        return np.sum(np.tanh(W @ X) * Y)

    J = cost(np.linspace(0, 1, 15).reshape(3, 5), n)
    with monkeypatch.context() as patch:
        patch.setattr(running.Work, "spend", noted)
        tg.derive(J, W).numpy_source()
    return sum(done)


@pytest.mark.parametrize("maker", MAKERS)
def test_long_code_is_given_up(maker, monkeypatch):
    most = running._MOST
    monkeypatch.setattr(running, "_MOST_IN_ONE_RUN", 1_000_000)
    monkeypatch.setattr(running.Work.__init__, "__defaults__", (10_000_000,))
    assert most > 10_000_000
    done = work_of(maker, 100_000, monkeypatch)
    assert done < 4 * 10_000_000


def test_a_long_training_loop_before_is_not_run_again(monkeypatch):
    W = tg.Tensor(np.ones((4, 3)), name="W")
    steps = []

    def trained(X, Y, rounds):
        v = np.zeros((4, 3))
        for t in range(rounds):
            v = 0.9 * v + 0.001 * t
            steps.append(t)
        return np.sum(np.tanh(W @ X) * Y) + np.sum(W * v)

    J = trained(np.ones((3, 5)), np.ones((4, 5)), 1000)
    tg.derive(J, W).numpy_source()
    assert len(steps) == 1000


PROGRAM = """
import sys
sys.path.insert(0, {folder!r})
import test_made_arrays as made
import numpy as np
import tinygrad_edu as tg
for cost in (made.assigned, made.from_a_table, made.by_a_function, made.smoothed):
    rng = np.random.default_rng(1)
    data = {{"X": rng.normal(size=(3, 6)), "y": rng.integers(0, 4, 6)}}
    print(tg.derive(cost(**data, W=tg.Tensor(rng.normal(size=(4, 3)), name="W")), "W").numpy_source())
"""


def test_two_runs_give_the_same_source(monkeypatch):
    program = PROGRAM.format(folder=str(Path(__file__).parent))
    texts = []
    for seed in ("1", "2"):
        monkeypatch.setenv("PYTHONHASHSEED", seed)
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
        texts.append(done.stdout)
    assert texts[0] == texts[1] != ""


@pytest.mark.parametrize(
    "function", [np.save, np.savez, np.savetxt, np.load, np.seterr, np.random.rand, np.copyto]
)
def test_functions_that_do_more_than_read_are_told(function):
    assert not only_reads(function)
