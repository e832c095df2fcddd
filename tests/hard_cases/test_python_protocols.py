"""What Python does with objects: comparing, hashing, iterating, sorting, formatting, copying, deleting."""

from __future__ import annotations

import copy
import json
import pickle
import weakref

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.hard_cases.helpers import T


def test_tensors_are_keys_by_identity():
    a, b = T([1.0, 2.0]), T([1.0, 2.0])
    table = {a: "a", b: "b"}
    assert (table[a], table[b]) == ("a", "b")
    assert len({a, b, a}) == 2
    assert T([1.0, 2.0]) not in table


@pytest.mark.parametrize("other", [None, "a", "1.0"])
def test_comparing_with_what_is_no_number(other):
    for t in (T(1.0), T([1.0, 2.0])):
        assert (t == other) is False
        assert (t != other) is True
        assert t is not other
        with pytest.raises(TypeError):
            t < other  # noqa: B015


def test_none_among_tensors_is_found():
    assert None in [T([1.0, 2.0]), None]
    assert [None, T(1.0)].index(None) == 0


def test_an_operand_may_take_the_comparison_over():
    assert T(1.0).detach() == pytest.approx(1.0)
    assert T([1.0, 2.0]).detach() == pytest.approx([1.0, 2.0])


def test_truth_is_that_of_one_entry():
    assert T(2.0)
    assert not T([0.0])
    for many in (T([1.0, 2.0]), T(np.ones((0,)))):
        with pytest.raises(ValueError, match="ambiguous"):
            bool(many)
    assert [v for v in (T(1.0), T(0.0)) if v > 0.5]


def test_sum_max_min_sorted_of_a_list():
    a, b, c = T(3.0), T(1.0), T(2.0)
    assert sum([a, b, c]).item() == 6.0
    assert max([a, b, c]) is a
    assert min(a, b, c) is b
    assert sorted([a, b, c]) == [b, c, a]
    total = sum([a, b, c], start=T(1.0))
    total.backward()
    assert a.grad == b.grad == 1.0


def test_arrays_do_not_compare_as_one():
    with pytest.raises(ValueError, match=r"np\.max"):
        max([T([1.0, 2.0]), T([2.0, 1.0])])
    with pytest.raises(ValueError, match="ambiguous"):
        sorted([T([1.0, 2.0]), T([2.0, 1.0])])


def test_iterating_unpacking_and_zipping_keep_the_history():
    x = T([[1.0, 2.0], [3.0, 4.0]])
    (a, b), last = x[0], x[-1]
    J = a * b + sum(p * q for p, q in zip(x[0], last, strict=True)) + sum(reversed(last)) * 0.0
    J.backward()
    np.testing.assert_array_equal(x.grad, [[2.0 + 3.0, 1.0 + 4.0], [1.0, 2.0]])
    first, *rest = x
    assert first.shape == (2,)
    assert len(rest) == 1
    assert len(list(x)) == len(x) == 2


def test_numbers_have_no_length_and_no_entries():
    for ask in (len, list, iter, lambda t: t[0]):
        with pytest.raises((TypeError, IndexError)):
            ask(T(1.0))


def test_membership_is_by_value():
    assert 1.0 in T([1.0, 2.0])
    assert 3.0 not in T([1.0, 2.0])
    assert T(2.0) in T([1.0, 2.0])


@pytest.mark.parametrize(
    ("spec", "expected"),
    [(".2f", "3.14"), ("8.3f", "   3.142"), ("e", "3.141590e+00"), ("", "Tensor(3.14159)")],
)
def test_format(spec, expected):
    assert format(T(3.14159), spec) == expected


@pytest.mark.parametrize(
    ("t", "part"),
    [
        (T([1.0, 2.0], name="x"), "name='x'"),
        (T([1.0, 2.0]) * 2, "op=multiply"),
        (T(1.0).detach(), "requires_grad=False"),
        (T([1.0], np.float32), "dtype=float32"),
        (T(np.ones((0, 3))), "shape=(0, 3)"),
        (T(np.nan), "nan"),
        (tg.Tensor([True]), "True"),
        (T(np.ones((100, 100))), "..."),
    ],
)
def test_a_repr_says_what_matters_in_few_words(t, part):
    assert repr(t).startswith("Tensor(")
    assert part in repr(t)
    assert len(repr(t)) < 500


def test_reprs_of_everything_are_short_and_show_no_addresses():
    x = T(2.0, name="x")
    J = x * x
    model = tg.nn.MLP([2, 3, 1])
    things = [
        tg.Graph(J),
        *tg.Graph(J),
        tg.derive(J),
        tg.sigmoid,
        tg.optim.SGD(lr=0.1),
        tg.optim.Adam(lr=0.1),
        model,
        *model.layers,
        tg.nn.LogisticRegression(2),
        tg.check.compare(J, {"dx": 4.0}),
        tg.no_grad(),
        tg.scope("a"),
        tg.course.formulas["L9"],
        tg.compile(lambda p: p["x"] * 2.0),
    ]
    for thing in things:
        assert 0 < len(repr(thing)) < 400
        assert " at 0x" not in repr(thing), repr(thing)


def test_round_divmod_pow_abs_neg_pos():
    x = T([-1.26, 2.5])
    assert round(T(1.26), 1).item() == 1.3
    assert round(T(2.5)).item() == 2.0
    np.testing.assert_array_equal(round(x, 1).data, np.round(x.data, 1))
    whole, rest = divmod(x, 2.0)
    np.testing.assert_array_equal(whole.data * 2 + rest.data, x.data)
    (abs(x) + (-x) + (+x)).sum().backward()
    assert x.grad.tolist() == [-1.0, 1.0]
    assert pow(T(2.0), 3).item() == pow(2, T(3.0)).item() == 8.0


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_a_copy_has_the_value_and_no_history(make):
    x = T([1.0, 2.0], name="x")
    (x * x).sum().backward()
    for t in (x, x * 2.0, tg.Tensor([1, 2]), T(3.0), x.detach()):
        new = make(t)
        assert new is not t
        assert new.op is None
        assert (new.requires_grad, new.name, new.dtype) == (t.requires_grad, t.name, t.dtype)
        np.testing.assert_array_equal(new.data, t.data)
        assert not np.shares_memory(new.data, t.data)
    np.testing.assert_array_equal(make(x).grad, x.grad)


def test_deepcopy_keeps_what_was_one_object_one():
    x = T([1.0])
    a, b = copy.deepcopy([x, x])
    assert a is b
    model = tg.nn.MLP([2, 3, 1])
    other = copy.deepcopy(model)
    other.layers[0].W.data += 1.0
    assert not np.allclose(model.layers[0].W.data, other.layers[0].W.data)


def test_copies_do_not_lock_the_original():
    x = T([1.0, 2.0])
    J = (x * x).sum()
    twin = copy.deepcopy(x)
    twin.data[0] = 5.0
    J.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_weak_references_and_deletion():
    x = T([1.0])
    y = x * 2.0
    seen = weakref.ref(y)
    del y
    assert seen() is None
    y = (x * x).sum()
    del x
    y.backward()
    assert y.inputs[0].inputs[0].grad.tolist() == [2.0]


@pytest.mark.parametrize("name", ["foo", "weight", "value"])
def test_misspelt_attributes_are_errors(name):
    x = T(1.0)
    with pytest.raises(AttributeError, match=name):
        setattr(x, name, 1.0)
    with pytest.raises(AttributeError, match=name):
        getattr(x, name)


@pytest.mark.parametrize("name", ["shape", "ndim", "size", "dtype", "T", "inputs"])
def test_facts_are_not_assigned(name):
    with pytest.raises(AttributeError):
        setattr(T(1.0), name, None)


def test_json_needs_plain_numbers_and_says_so():
    with pytest.raises(TypeError, match="Tensor"):
        json.dumps(T([1.0, 2.0]))
    assert json.dumps(T([1.0, 2.0]).tolist()) == "[1.0, 2.0]"


def test_one_element_gives_its_number():
    assert T([[4.0]]).item() == 4.0
    with pytest.raises(ValueError, match=r"size 1|one element"):
        T([1.0, 2.0]).item()
