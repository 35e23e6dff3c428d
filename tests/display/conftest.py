"""What the tests of dlcore.display share."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import matplotlib
import pytest

from dlcore.display import chapters, explorer, figures, source, style

matplotlib.use("agg")


class Output(NamedTuple):
    """What a notebook would have received."""

    data: Any
    metadata: dict[str, Any]


@pytest.fixture
def outputs(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Output]]:
    """Everything that the test displays, in the book's style and in the mode of the book."""
    shown: list[Output] = []

    def record(data: Any, *, raw: bool = False, metadata: dict[str, Any] | None = None) -> None:
        shown.append(Output(data, metadata or {}))

    for module in (chapters, explorer, figures, source):
        monkeypatch.setattr(module, "display", record)
    monkeypatch.setenv("DLCORE_BOOK", "1")
    with style.figure_style():
        yield shown
