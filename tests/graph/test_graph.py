"""Graph: the recorded computation, in order, with names."""

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.course_example import example


@pytest.fixture
def course_example():
    return example()


def names(graph):
    return [node.name for node in graph]


def test_nodes_stand_in_the_order_they_were_recorded(course_example):
    assert names(tg.Graph(course_example)) == ["a", "b", "c", "u", "v", "J"]


def test_every_operand_stands_before_its_user(course_example):
    graph = tg.Graph(course_example)
    place = {node: k for k, node in enumerate(graph)}
    assert all(place[operand] < place[node] for node in graph for operand in node.inputs)


def test_inputs_are_the_leaves_and_outputs_the_given(course_example):
    graph = tg.Graph(course_example)
    assert [n.name for n in graph.inputs] == ["a", "b", "c"]
    assert [n.name for n in graph.outputs] == ["J"]


def test_a_number_is_an_operand_but_no_node(course_example):
    assert tg.Graph(course_example).find("J").args[0] == 3


def test_variables_of_the_caller_give_names():
    x = tg.Tensor(2.0)
    square = x * x
    assert names(tg.Graph(square)) == ["x", "square"]


def test_a_dict_of_parameters_gives_names():
    params = {"W1": tg.Tensor([[1.0]]), "b1": tg.Tensor([[0.5]])}
    graph = tg.Graph(params["W1"] + params["b1"])
    assert names(graph)[:2] == ["W1", "b1"]


def test_a_given_name_comes_before_the_variable():
    x = tg.Tensor(2.0, name="theta")
    assert names(tg.Graph(x * 1.0))[0] == "theta"


def test_names_overrides():
    x = tg.Tensor(2.0)
    assert tg.Graph(x * 1.0, names={"w": x}).find("w").tensor is x


def test_names_false_leaves_variables_out():
    x = tg.Tensor(2.0)
    y = x * 1.0
    assert names(tg.Graph(y, names=False)) == ["c_1", "multiply_1"]


def test_equal_names_are_told_apart():
    graph = tg.Graph(tg.Tensor(1.0, name="w") + tg.Tensor(2.0, name="w"))
    assert len(set(names(graph))) == len(graph)


def test_a_plain_array_is_a_constant_named_after_the_variable():
    X = np.arange(6.0).reshape(2, 3)
    W = tg.Tensor(np.ones((1, 2)))
    node = tg.Graph(W @ X).find("X")
    assert node.is_leaf
    assert not node.requires_grad


def test_equal_arrays_are_one_constant():
    Y = np.array([1.0, 0.0])
    w = tg.Tensor([1.0, 2.0])
    graph = tg.Graph(w * Y + Y)
    assert names(graph).count("Y") == 1
    assert len(graph.inputs) == 2


def test_a_scope_stays_with_its_nodes():
    x = tg.Tensor(1.0)
    with tg.scope("layer 1"):
        y = x * 2
    assert tg.Graph(y).find("y").scope == ("layer 1",)


def test_find_takes_a_tensor(course_example):
    graph = tg.Graph(course_example)
    assert graph.find(course_example).name == "J"


def test_an_unknown_name_is_answered_with_the_nearest(course_example):
    with pytest.raises(KeyError, match=r"'w' is not in this graph"):
        tg.Graph(course_example).find("w")
    params = tg.Tensor(1.0, name="W12")
    with pytest.raises(KeyError, match="did you mean W12"):
        tg.Graph(params * 2).find("W11")


@pytest.mark.parametrize("wrong", [3.0, np.ones(2), None, "J"])
def test_only_tensors_have_a_graph(wrong):
    with pytest.raises(TypeError, match="expected Tensors, got"):
        tg.Graph(wrong)


def test_no_output_is_an_error():
    with pytest.raises(TypeError, match="at least one"):
        tg.Graph()


def test_names_must_map_names_to_tensors():
    with pytest.raises(TypeError, match="names: expected"):
        tg.Graph(tg.Tensor(1.0) * 2, names={"x": 3.0})


def test_membership_and_length(course_example):
    graph = tg.Graph(course_example)
    assert "u" in graph
    assert "nope" not in graph
    assert course_example in graph
    assert len(graph) == 6
    assert "6 nodes" in repr(graph)


def test_a_long_chain_needs_no_recursion():
    x = y = tg.Tensor(1.0)
    for _ in range(20_000):
        y = y + 1.0
    assert len(tg.Graph(y, names=False)) == 20_001
    assert x.requires_grad
