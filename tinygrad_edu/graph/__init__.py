"""A recorded computation, frozen, named and flattened. See README.md in this folder."""

from tinygrad_edu.errors import answers
from tinygrad_edu.graph.axes import Axes, Axis
from tinygrad_edu.graph.made import Made
from tinygrad_edu.graph.program import Program, Ref, Step
from tinygrad_edu.graph.replay import recorded_again
from tinygrad_edu.graph.snapshot import Graph, GraphNode

__all__ = ["Axes", "Axis", "Graph", "GraphNode", "Made", "Program", "Ref", "Step", "recorded_again"]

answers(__name__, "tg.graph", "tg.Graph(J)")
