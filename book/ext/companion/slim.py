"""Takes out of the theme's files what no page of the book uses: 2 MB of icons and rules become 0.2 MB.

A rule of a style sheet stays if every class in one of its selectors occurs as a word in some page or script.
Of the icon font stay the glyphs that the remaining rules name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import tinycss2
from fontTools import subset
from tinycss2.ast import AtRule, LiteralToken, Node, QualifiedRule

WORD = re.compile(r"[A-Za-z0-9_-]+")
ICON = re.compile("[\ue000-\uf8ff]")  # the characters that Unicode leaves to private use
ICON_FONTS = "_static/vendor/fontawesome/webfonts"
NESTED = {"media", "supports", "layer", "container"}


def slim(site: Path) -> None:
    """Rewrite the theme's style sheet and icon font inside a built site, and delete what is then left over."""
    static = site / "_static"
    for unused in [*static.rglob("*.map"), *static.rglob("*.LICENSE.txt"), static / "scripts/fontawesome.js"]:
        unused.unlink()
    used = [*site.rglob("*.html"), *static.glob("*.js"), static / "scripts/pydata-sphinx-theme.js"]
    words = set(WORD.findall("\n".join(path.read_text(encoding="utf-8") for path in used)))
    sheet = static / "styles/pydata-sphinx-theme.css"
    kept = purge(sheet.read_text(encoding="utf-8"), words)
    sheet.write_text(kept.replace("fa-solid-900.woff2", "fa-solid-900.woff"), encoding="utf-8")
    fonts = site / ICON_FONTS
    keep_glyphs(fonts / "fa-solid-900.ttf", set(map(ord, ICON.findall(kept))))
    for font in fonts.iterdir():
        if font.suffix != ".woff":
            font.unlink()


def purge(css: str, words: set[str]) -> str:
    """Return a style sheet without the rules that match no page.

    Parameters
    ----------
    css : str
    words : set of str
        Every word of every page and script; classes are among them.

    Examples
    --------
    >>> purge(".a,.b .c{top:0}@media print{.b{top:0}}", {"a", "c"})
    '.a{top:0}'
    """
    return "".join(_kept(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), words))


def _kept(rules: Iterable[Node], words: set[str]) -> Iterable[str]:
    for rule in rules:
        if isinstance(rule, QualifiedRule):
            selectors = [selector for selector in _selectors(rule.prelude) if _classes(selector) <= words]
            if selectors:
                prelude = ",".join(tinycss2.serialize(selector).strip() for selector in selectors)
                yield f"{prelude}{{{tinycss2.serialize(rule.content)}}}"
        elif isinstance(rule, AtRule) and rule.content is not None and rule.lower_at_keyword in NESTED:
            inside = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if kept := "".join(_kept(inside, words)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{kept}}}"
        else:
            yield rule.serialize()


def _selectors(prelude: Sequence[Node]) -> list[list[Node]]:
    selectors: list[list[Node]] = [[]]
    for token in prelude:
        if token == ",":
            selectors.append([])
        else:
            selectors[-1].append(token)
    return selectors


def _classes(selector: Sequence[Node]) -> set[str]:
    """Return the classes that an element must have; what stands inside `:not()` and the like is not looked at."""
    return {
        name.value
        for dot, name in pairwise(selector)
        if isinstance(dot, LiteralToken) and dot == "." and name.type == "ident"
    }


def keep_glyphs(font: Path, codes: set[int]) -> None:
    """Write the named glyphs of a TrueType font beside it, as WOFF."""
    options = subset.Options(flavor="woff", layout_features=[], notdef_outline=False)
    whole = subset.load_font(str(font), options)
    chosen = subset.Subsetter(options)
    chosen.populate(unicodes=codes)
    chosen.subset(whole)
    subset.save_font(whole, str(font.with_suffix(".woff")), options)
