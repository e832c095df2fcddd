"""What MkDocs does with the pages beside their layout: it runs them, and writes formulas and a reference.

A page that prints otherwise than it says, or a link that leads nowhere, is a warning; the build is strict.
Formulas become MathML: nothing is loaded from elsewhere, and no script writes them.
"""

from __future__ import annotations

import inspect
import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

import tinygrad_edu as tg
from tinygrad_edu.core.op import Op

sys.path.insert(0, str(Path(__file__).parent))
import make_course
import make_house
import pages

log = logging.getLogger("mkdocs.hooks.site")
ROOT = Path(__file__).resolve().parents[1]

ELSEWHERE = {
    "README.md": "readme.md",
    "README.zh.md": "readme.zh.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
}
"""Documents of the repository that are pages of the site, too."""
COME_FROM = {site: source for source, site in ELSEWHERE.items()}
drawn: dict[Path, bytes] = {}
"""The pictures that pages drew while they ran, by the file that they stand in the place of."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the documents from elsewhere, and the reference."""
    for source, site in ELSEWHERE.items():
        files.append(File.generated(config, site, content=(ROOT / source).read_text("utf-8")))
    for name, content in reference().items():
        files.append(File.generated(config, f"reference/{name}.md", content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Runs a page, and writes it as a browser has it."""
    del config
    at = page.file.src_uri
    source = ROOT / COME_FROM.get(at, f"docs/{at}")
    if at.startswith("reference/"):
        return markdown
    if at == "course.md":
        markdown = make_course.page()  # as this build measures it
    if runs(source):
        markdown = run(source)
    markdown = _outside_code(with_formulas, session(embedded(markdown, page)))
    return _outside_code(
        lambda text: LINK.sub(lambda found: _link(found, source, page, files), text), markdown
    )


def runs(source: Path) -> bool:
    """Whether a page has sessions to run: CONTRIBUTING's run in a test, a translation has its original's."""
    at = source.relative_to(ROOT).as_posix()
    elsewhere = at == "CONTRIBUTING.md" or at.startswith("docs/zh/") or at.endswith(".zh.md")
    return not elsewhere and ">>> " in source.read_text("utf-8")


def run(source: Path) -> str:
    """Runs a page, keeps what it drew, and gives it with what was measured in this build."""
    failures, files, text = pages.run(source)
    if failures:
        log.warning("%s prints otherwise than it says\n%s", source.relative_to(ROOT), failures)
    for name, content in files.items():
        if name.endswith(".html"):
            drawn[source.parent / name] = content
    for path in pages.pictures_of(source):
        if path.name in files:
            drawn[path] = files[path.name]
    return text


EMBEDDED = re.compile(r"^<!-- embedded: ([\w-]+\.html), (\d+) lines -->$", re.MULTILINE)


def embedded(markdown: str, page: Page) -> str:
    """The pages that a page wrote with ``tg.step_through``, in the places that it marks for them."""

    def shown(found: re.Match[str]) -> str:
        name, lines = found.groups()
        here = ROOT / "docs" / Path(page.file.src_uri).parent
        written = [path for path in drawn if path.name == name]  # a translation shows its original's
        if not written:
            log.warning("%s does not write %s", page.file.src_uri, name)
            return found[0]
        src = os.path.relpath(written[0], here).replace(os.sep, "/")
        return f'<iframe class="computes" src="{src}" title="{name}" style="height: {lines}em"></iframe>'

    return EMBEDDED.sub(shown, markdown)


CELL = re.compile(r"<td>((?:(?!</td>).)*)</td>", re.DOTALL)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Marks the cells of tables that need room: those of a few words, and those of sentences."""
    del page, config, files

    def marked(cell: re.Match[str]) -> str:
        length = len(re.sub(r"<math.*?</math>|<[^>]+>", "", cell[1], flags=re.DOTALL))
        kind = "sentences" if length > 70 else "words" if length > 20 else ""
        return f'<td class="{kind}">{cell[1]}</td>' if kind else cell[0]

    return CELL.sub(marked, html)


def on_post_build(config: MkDocsConfig) -> None:
    """Puts the pictures that this build drew where the ones of the repository stand."""
    drawn[make_house.PICTURE] = make_house.house().encode()
    for path, content in drawn.items():
        place = Path(config.site_dir, path.resolve().relative_to(ROOT / "docs"))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)


LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def _link(found: re.Match[str], source: Path, page: Page, files: Files) -> str:
    """A link to the page of this site; its text alone, where it leads to a file of the source."""
    picture, text, target = found.groups()
    if "://" in target or target.startswith("#"):
        return found[0]
    path, hash_, anchor = target.partition("#")
    place = os.path.relpath((source.parent / path).resolve(), ROOT).replace(os.sep, "/")
    on_site = ELSEWHERE.get(place, place.removeprefix("docs/") if place.startswith("docs/") else "")
    if not on_site or files.get_file_from_path(on_site) is None:
        if not (ROOT / place).exists():
            log.warning("%s: %s leads nowhere", source.relative_to(ROOT), target)
        return text
    here = Path(page.file.src_uri).parent
    return f"{picture}[{text}]({os.path.relpath(on_site, here).replace(os.sep, '/')}{hash_}{anchor})"


def session(markdown: str) -> str:
    """Sessions without the marks that only a test needs."""

    def shown(block: re.Match[str]) -> str:
        language, _, body = block.groups()
        if language == "math":
            return f"\n{_displayed(body)}\n"
        if language == "python" and ">>> " in body:  # measured or not
            return f"```pycon\n{body.rstrip().replace('<BLANKLINE>', '')}\n```"
        return block[0]

    return pages.FENCE.sub(shown, markdown)


def _outside_code(change: Callable[[str], str], markdown: str) -> str:
    parts = re.split(r"(^```.*?^```$)", markdown, flags=re.MULTILINE | re.DOTALL)
    return "".join(part if part.startswith("```") else change(part) for part in parts)


FORMULA = re.compile(r"\$`([^`]+)`\$|`[^`]*`|\$\$(.+?)\$\$|\$([^$\n]+?)\$", re.DOTALL)


def with_formulas(markdown: str) -> str:
    """Formulas as MathML: between ``$`` and backticks, between two ``$``, displayed between two ``$$``."""

    def written(found: re.Match[str]) -> str:
        marked, displayed, plain = found.groups()
        if displayed:
            return _displayed(displayed)
        return _formula(marked or plain) if marked or plain else found[0]

    return FORMULA.sub(written, markdown)


def _displayed(latex: str) -> str:
    return _mathml(latex.strip(), display="block").replace("\n", " ")


def _formula(latex: str) -> str:
    """Several formulas in a row are one each, since a browser breaks no line within one."""
    written = (_mathml(part).replace("|", "&#124;") for part in _in_a_row(latex.replace(r"\|", "|")))
    # a line may begin with <span>, other than with <math>
    return " ".join(f"<span>{mathml}</span>" for mathml in written).replace("\n", " ")


def _mathml(latex: str, **settings: Any) -> str:
    """The formula in the converter's words, which knows ``align*``, and ``:=`` as one sign."""
    return convert(latex.replace("{aligned}", "{align*}").replace(":=", r"\coloneqq "), **settings)


def _in_a_row(latex: str) -> list[str]:
    r"""What stands between wide spaces (``\ ``, ``\quad``) that no brace, \left or \begin encloses."""
    parts, depth = [""], 0
    for piece in re.split(r"(\\quad|\\ |\\left\b|\\right\b|\\begin\b|\\end\b|\\[{}]|[{}])", latex):
        depth += (piece in ("{", r"\{", r"\left", r"\begin")) - (piece in ("}", r"\}", r"\right", r"\end"))
        if piece in (r"\quad", r"\ ") and not depth:
            parts.append("")
        else:
            parts[-1] += piece
    return [part.strip() for part in parts if part.strip()]


def reference() -> dict[str, str]:
    """The pages of the reference: each public name once, where it is defined."""
    found = dict(filter(None, (_defined(name, getattr(tg, name)) for name in tg.__all__)))
    operations = sorted(name for name, path in found.items() if path.startswith("tinygrad_edu.ops."))
    others = [name for name in found if name not in operations]
    more = (tg.func, tg.data, tg.export, tg.distributed)
    return {
        "index": _page("Reference", "`import tinygrad_edu as tg`", [found[name] for name in others]),
        "operations": _page(
            "Operations",
            "Each also answers to NumPy's own function, where there is one.",
            [found[name] for name in operations],
        ),
        "check": _of_module("check", tg.check),
        "nn": _of_module("nn", tg.nn),
        "optim": _of_module("optim", tg.optim),
        "more": "# More rooms\n\n"
        + "\n".join(f"#{_of_module(m.__name__.rpartition('.')[2], m)}" for m in more),
    }


def _defined(name: str, value: Any) -> tuple[str, str] | None:
    """A public name and the path of its definition; None for a room, and for a second name."""
    function = value.forward if isinstance(value, Op) else inspect.unwrap(value)
    if not callable(function) or getattr(function, "__name__", "") != name:
        return None
    return name, f"{function.__module__}.{name}"


def _of_module(name: str, module: Any) -> str:
    paths = dict(filter(None, (_defined(n, getattr(module, n)) for n in module.__all__)))
    text = (inspect.getdoc(module) or "").split("\n\n")[0]
    text = re.sub(r" See README\.md [^.]*\.", "", text)
    return _page(f"tg.{name}", text, list(paths.values()))


def _page(title: str, text: str, paths: list[str]) -> str:
    return "\n\n".join([f"# {title}", text, *(f"::: {path}" for path in paths)]) + "\n"
