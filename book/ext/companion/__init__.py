"""The Sphinx extension of the site: turns the notebooks of the book into its pages."""

from __future__ import annotations

from sphinx.application import Sphinx

from companion import explorers, formulas, macros, outputs, theme


def setup(app: Sphinx) -> dict[str, bool]:
    """Register everything; notebooks come in through `companion.reader.read`, which _config.yml names."""
    for module in (macros, formulas, outputs, explorers, theme):
        module.setup(app)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
