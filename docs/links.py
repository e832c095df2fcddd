"""Looks for links of the built site that lead nowhere: ``python docs/links.py build/site``.

Every ``href`` and ``src`` that stays on the site must name a file of it, and behind ``#`` an ``id`` of that.
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    """The links and the places of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes them."""
        named = {key: value for key, value in attrs if value is not None}
        self.ids |= {named[key] for key in ("id", "name") if key in named}
        if tag != "form":
            self.links += [named[key] for key in ("href", "src") if key in named]


def broken(site: Path) -> list[str]:
    """What leads nowhere, as ``page: link``."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    found = []
    for path, page in pages.items():
        if path.name == "404.html":  # its links begin at the root of a server
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link.startswith("javascript:"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            place = unquote(parts.fragment)
            there = pages.get(target)
            if not target.is_file() or (place and there is not None and place not in there.ids):
                found.append(f"{path.relative_to(site)}: {link}")
    return found


if __name__ == "__main__":
    wrong = broken(Path(sys.argv[1]).resolve())
    sys.stdout.writelines(f"{line}\n" for line in wrong)
    sys.exit(bool(wrong))
