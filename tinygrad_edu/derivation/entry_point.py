"""``tg.derive``: from a graph to its formulas."""

from __future__ import annotations

from collections.abc import Sequence

from tinygrad_edu import errors
from tinygrad_edu.core.callers import values_of_the_caller
from tinygrad_edu.core.tensor import Tensor
from tinygrad_edu.derivation.chain_rule import Chain, Convention
from tinygrad_edu.derivation.derivation import Derivation
from tinygrad_edu.derivation.examples import NUMBERS_OF_EXAMPLES, Told, apart, examples_of
from tinygrad_edu.derivation.number_inputs import with_named_numbers
from tinygrad_edu.derivation.rerecording import shortened
from tinygrad_edu.errors import arguments_explained
from tinygrad_edu.graph import Graph, Program
from tinygrad_edu.graph.naming import Names


@arguments_explained
def derive(
    J: Tensor,
    wrt: Tensor | str | Sequence[Tensor | str] | None = None,
    *,
    convention: Convention = "course",
    names: Names = None,
    entries: bool = False,
) -> Derivation:
    """The derivation of J's gradients, as it stands in a textbook: one named quantity a line.

    Args:
        J: a scalar, usually the cost.
        wrt: tensors, or their names; by default everything that was given and can be differentiated.
        convention: ``"course"``, as the notes have it: what belongs to single examples (dZ, dA) is m times
            the derivative of J, one column per example, and 1/m enters at dW and db. Where there are no
            examples, or J isn't their mean, this is the same as ``"exact"``: every line the derivative of J.
        names: as for :class:`tinygrad_edu.Graph`.
        entries: with the formula of each entry beside that of the matrix: of ``dA = W.T @ dZ`` it is seen
            there why the transpose stands where it does. Axes of more than four, and the examples, are
            written with a letter that runs over them.

    Raises:
        TypeError: J isn't a Tensor, or one of ``wrt`` is a constant.
        ValueError: J isn't a scalar, or there is no such convention.
        KeyError: a name or tensor that isn't in the graph; the message has the nearest names.
        RuntimeError: J depends on nothing that can be differentiated.
        MissingExtraError: SymPy isn't installed (extra ``derive``).

    >>> import tinygrad_edu as tg
    >>> a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    >>> u = b * c
    >>> v = a + u
    >>> J = 3 * v
    >>> print(tg.derive(J, wrt=[a, b, c]))
    u = b * c
    v = a + u
    J = 3 * v
    <BLANKLINE>
    dv = 3
    da = dv
    du = dv
    db = c * du
    dc = b * du
    """
    errors.require_extra("sympy", extra="derive")
    if not isinstance(J, Tensor):
        raise TypeError(f"derive: expected a Tensor, got {type(J).__name__}")
    if convention not in ("course", "exact"):
        raise ValueError(f'derive: expected the convention "course" or "exact", got {convention!r}')
    if J.size != 1:
        raise ValueError(
            f"derive: expected a scalar, got shape {J.shape}; reduce it first, with np.mean for example"
        )
    graph = Graph(J, names=names, search=True)
    made = graph.made
    wanted = _wanted(graph, wrt)
    integers = {value for name, value in values_of_the_caller(int) if name in NUMBERS_OF_EXAMPLES}
    told = Told.of(graph, integers)
    graph, named = with_named_numbers(graph, wanted, told, made)
    graph, written = shortened(graph, wanted, told, named, made)
    program = Program.of_graph(graph, wanted)
    examples = examples_of(graph, program, told, named.count, made)
    chain = Chain(program, examples, convention, named, made)
    if not chain.fits_convention():
        chain = Chain(program, examples, "exact", named, made)

    def general() -> Chain:
        """The same where no other size is m, so that each m in it is told."""
        if examples is None or examples.alone:
            return chain
        other = apart(graph, program, examples, told, named.count, made)
        return chain if other is None else Chain(*other, chain.asked, named, made)

    return Derivation(chain, graph, written, entries=entries, general=general)


def _wanted(graph: Graph, wrt: Tensor | str | Sequence[Tensor | str] | None) -> list[str]:
    if not graph.outputs[0].requires_grad:
        raise RuntimeError(errors.NO_HISTORY.format(tensor=graph.outputs[0].name))
    if wrt is None:
        return [node.name for node in graph.inputs if node.requires_grad]
    asked = [wrt] if isinstance(wrt, (Tensor, str)) else list(wrt)
    if not asked:
        raise ValueError("derive: expected at least one tensor or name in wrt")
    wanted = []
    for which in asked:
        if not isinstance(which, (Tensor, str)):
            raise TypeError(f"derive: expected tensors or names in wrt, got {type(which).__name__}")
        node = graph.find(which)
        if not node.requires_grad:
            raise TypeError(
                f"derive: expected Tensors that require a gradient, and {node.name} is a constant; "
                "make it with tg.Tensor(value, requires_grad=True)"
            )
        wanted.append(node.name)
    return wanted
