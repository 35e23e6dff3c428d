"""Formulas in sentences: what MathJax and the browser leave to be done."""

from __future__ import annotations

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

PUNCTUATION = re.compile(r"[.,;:!?)\]]+")


class Together(SphinxTransform):
    """Keep a formula and the punctuation after it on one line: a browser would begin a line with a full stop."""

    default_priority = 500

    def apply(self) -> None:
        for formula in list(self.document.findall(nodes.math)):
            parent, after = formula.parent, formula.next_node(siblings=True, descend=False)
            found = PUNCTUATION.match(after) if isinstance(after, nodes.Text) else None
            if found:
                at = parent.index(formula)
                together = nodes.inline("", "", formula.deepcopy(), nodes.Text(found[0]), classes=["together"])
                parent[at : at + 2] = [together, nodes.Text(after[found.end() :])]


def setup(app: Sphinx) -> None:
    app.add_transform(Together)
