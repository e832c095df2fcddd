"""A picture as its reader sees it: boxes, words and arrows, read from the SVG."""

from xml.etree import ElementTree

_SVG = "{http://www.w3.org/2000/svg}"


def _groups(picture, kind):
    root = ElementTree.fromstring(picture.svg)
    return [g for g in root.iter(f"{_SVG}g") if kind in (g.get("class") or "").split()]


def lines(element):
    """The lines of text in an element."""
    return ["".join(text.itertext()).strip() for text in element.iter(f"{_SVG}text")]


def words(picture):
    """Every line of text, as a person reads it."""
    return lines(ElementTree.fromstring(picture.svg))


def nodes(picture):
    """The lines of each box, by its key."""
    return {g.get("data-node"): lines(g) for g in _groups(picture, "node")}


def edges(picture):
    """From, to and label of each arrow."""
    return [(g.get("data-from"), g.get("data-to"), " ".join(lines(g))) for g in _groups(picture, "edge")]


def named(picture, name):
    """The keys of the boxes of that name."""
    return [key for key, told in nodes(picture).items() if told[0].partition(" = ")[0] == name]
