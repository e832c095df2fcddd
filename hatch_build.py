"""What the package index shows: the README, with links that lead somewhere there.

An index knows nothing of the files beside the README. With an address ``Source`` in ``[project.urls]`` its
links become whole ones; without it, a link is its text alone, and a picture is left out.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)\[([^\[\]]*)\]\((?![a-z]+:|#)([^)\s]+)\)")


def for_the_index(readme: str, source: str | None) -> str:
    """The README as an index can show it; ``source`` is the address of the repository."""

    def whole(link: re.Match[str]) -> str:
        picture, text, path = link.groups()
        if source is not None:
            return f"{picture}[{text}]({source.rstrip('/')}/{'raw' if picture else 'blob'}/main/{path})"
        return "" if picture else str(text)

    parts = re.split(r"(^```.*?^```$)", readme, flags=re.MULTILINE | re.DOTALL)
    changed = "".join(part if part.startswith("```") else LINK.sub(whole, part) for part in parts)
    return re.sub(r"\n{3,}(?!```)", "\n\n", changed)


class IndexReadme(MetadataHookInterface):
    """Gives the package its long description."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Puts it there."""
        text = Path(self.root, "README.md").read_text("utf-8")
        source = metadata.get("urls", {}).get("Source")
        metadata["readme"] = {"content-type": "text/markdown", "text": for_the_index(text, source)}
