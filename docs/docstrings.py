"""Docstrings as Markdown, for the reference: their examples in blocks of code, Sphinx' roles as names."""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

EXAMPLES = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*", re.MULTILINE)
ROLE = re.compile(r":(?:func|class|meth|mod|attr):`~?([^`]+)`")


class AsMarkdown(Extension):
    """What griffe does with each docstring before anything is laid out."""

    def on_instance(self, *, obj: Object, **others: Any) -> None:  # noqa: ARG002
        """Rewrites the docstring."""
        if obj.docstring is not None:
            text = ROLE.sub(r"`\1`", obj.docstring.value)
            obj.docstring.value = EXAMPLES.sub(lambda found: f"```pycon\n{found[0]}\n```", text)
