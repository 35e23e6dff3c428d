"""What cells print: the lines of `check` become a list of things verified."""

from __future__ import annotations

import itertools

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

PASSED = "ok: "


class Checks(SphinxTransform):
    """Show each run of lines "ok: claim (detail)" as a list with a tick for each claim, set apart from numbers."""

    default_priority = 500

    def apply(self) -> None:
        for block in list(self.document.findall(nodes.literal_block)):
            if "stream" in block["classes"] and PASSED in block.astext():
                block.replace_self(list(_parts(block)))


def _parts(block: nodes.literal_block) -> list[nodes.Element]:
    parts: list[nodes.Element] = []
    lines = block.astext().rstrip("\n").split("\n")
    for passed, run in itertools.groupby(lines, lambda line: line.startswith(PASSED)):
        if passed:
            items = [nodes.list_item("", nodes.paragraph("", line.removeprefix(PASSED))) for line in run]
            parts.append(nodes.bullet_list("", *items, classes=["output", "checks"]))
        else:
            text = "\n".join(run)
            part = block.copy()
            part.rawsource = text
            part += nodes.Text(text)
            parts.append(part)
    return parts


def setup(app: Sphinx) -> None:
    app.add_transform(Checks)
