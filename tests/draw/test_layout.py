"""Where things stand: text that can be read, boxes that keep apart, arrows that go around them."""

import itertools

import numpy as np
import pytest

import tinygrad_edu as tg
from tests.draw.networks import KINDS
from tinygrad_edu.drawing.box_sizes import label_size
from tinygrad_edu.drawing.layout import FITS, laid_out
from tinygrad_edu.drawing.sketch import Arrow, Box, Line, Part, Sketch
from tinygrad_edu.drawing.text_widths import SIZE
from tinygrad_edu.drawing.view_selection import sketch_of

EVERY = [(kind, backward) for kind in KINDS for backward in (False, True)]


@pytest.fixture(scope="module", params=EVERY, ids=[f"{k}-{'back' if b else 'forward'}" for k, b in EVERY])
def page(request):
    kind, backward = request.param
    return laid_out(sketch_of(tg.Graph(KINDS[kind]()), backward=backward), "16:9")


def test_text_can_be_read_on_a_slide(page):
    assert SIZE * page.scale(*FITS["16:9"]) >= 12


def test_boxes_keep_apart(page):
    for one, other in itertools.combinations(page.parts.values(), 2):
        across = min(one.x + one.w, other.x + other.w) - max(one.x, other.x)
        along = min(one.y + one.h, other.y + other.h) - max(one.y, other.y)
        assert across < 1 or along < 1


def test_everything_is_on_the_page(page):
    for rect in page.parts.values():
        assert rect.x >= 0
        assert rect.y >= 0
        assert rect.x + rect.w <= page.width + 1
        assert rect.y + rect.h <= page.height + 1
    for line in page.lines:
        points = np.concatenate(line.pieces)
        assert points.min() >= 0
        assert points[:, 0].max() <= page.width
        assert points[:, 1].max() <= page.height


def test_no_arrow_runs_through_a_box(page):
    for line in page.lines:
        ends = {line.arrow.tail, line.arrow.head}
        if line.arrow.returns is not None:
            ends |= {line.arrow.returns.tail, line.arrow.returns.head}
        for piece in line.pieces:
            points = np.concatenate(
                [a + np.linspace(0, 1, 20)[:, None] * (b - a) for a, b in itertools.pairwise(piece)]
            )
            for key, r in page.parts.items():
                if key not in ends:
                    inside = (points > [r.x + 2, r.y + 2]).all(1) & (
                        points < [r.x + r.w - 2, r.y + r.h - 2]
                    ).all(1)
                    assert not inside.any(), (line.arrow, key)


def test_arrows_lead_on(page):
    for line in page.lines:
        tail, head = page.parts[line.arrow.tail], page.parts[line.arrow.head]
        assert head.middle[0] > tail.middle[0] or head.y > tail.y + tail.h


def test_pieces_of_an_arrow_join(page):
    for line in page.lines:
        for one, other in itertools.pairwise(line.pieces):
            assert one[-1] == pytest.approx(other[0], abs=1e-6)


def test_few_arrows_cross(page):
    pieces = [(k, p) for k, line in enumerate(page.lines) for p in line.pieces]
    crossed = sum(_cross(p, q) for (i, p), (j, q) in itertools.combinations(pieces, 2) if i != j)
    assert crossed <= 0.15 * max(len(page.lines) + len(page.tags), 1)


def test_labels_stand_clear_of_boxes_and_of_lanes(page):
    lanes = [(line, piece) for line in page.lines for piece in line.pieces]
    for line in page.lines:
        if line.label is None:
            continue
        wide, high = label_size(line.arrow)
        x, y = line.label
        for key, r in page.parts.items():
            apart = abs(r.middle[0] - x) - (r.w + wide) / 2, abs(r.middle[1] - y) - (r.h + high) / 2
            assert max(apart) > -high, (line.arrow, key)
        for other, piece in lanes:
            if other is not line:
                upright = [a for a, b in itertools.pairwise(piece) if abs(a[0] - b[0]) < 0.1]
                assert not any(abs(a[0] - x) < wide / 2 - 1 and abs(a[1] - y) < high / 2 for a in upright)


def _cross(p, q):
    for a, b in itertools.pairwise(p):
        for c, d in itertools.pairwise(q):
            if _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0:
                return True
    return False


def _side(a, b, c):
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def test_a_weight_that_another_row_needs_as_well_is_told_there_by_its_name():
    page = laid_out(sketch_of(tg.Graph(KINDS["regularised"]()), backward=True), "16:9")
    assert page.rows > 1
    assert {tag.part.name for tag in page.tags} == {"W1", "W2", "W3"}
    assert max(len(line.pieces) for line in page.lines if line.arrow.tail in _given(page)) == 1


def _given(page):
    return {
        p.key for box in page.sketch.boxes for p in box.parts if p.kind == "parameter" and p.name[0] == "W"
    }


def chain(n, scoped=False):
    """A sketch of boxes one after the other."""
    boxes = [
        Box((Part(f"n{k}", "computed", (Line("", f"box {k}"),)),), ("s",) if scoped else ()) for k in range(n)
    ]
    return Sketch(tuple(boxes), tuple(Arrow(f"n{k}", f"n{k + 1}") for k in range(n - 1)), "a chain")


def test_a_strip_is_broken_into_rows_only_where_it_has_to_be():
    assert laid_out(chain(3)).rows == 1
    assert laid_out(chain(40)).rows > 1
    assert laid_out(chain(40), "strip").rows == 1


def test_a_column_of_text_is_narrow():
    assert laid_out(chain(20), "column").width < 700


def test_a_long_chain_goes_in_rows_that_are_read_like_text():
    page = laid_out(chain(40), "16:9")
    places = [(round(page.parts[f"n{k}"].y), page.parts[f"n{k}"].x) for k in range(40)]
    assert places == sorted(places)
