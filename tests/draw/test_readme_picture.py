"""The picture in the README is the one that tg.draw makes today."""

from pathlib import Path
from xml.etree import ElementTree

import tinygrad_edu as tg

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "pictures" / "J.svg"


def texts(svg):
    """What is written in a picture; where it stands depends on the version of Graphviz."""
    return [
        "".join(e.itertext()).strip() for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("text")
    ]


def test_the_picture_is_current():
    a, b, c = tg.Tensor(5.0), tg.Tensor(3.0), tg.Tensor(2.0)
    u = b * c
    v = a + u
    J = 3 * v
    assert texts(PICTURE.read_bytes()) == texts(tg.draw(J, names={"u": u, "v": v}).svg)
