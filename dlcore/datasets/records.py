"""What was measured once, because measuring it takes longer than a page may."""

import json
from importlib import resources
from typing import Any


def record(name: str) -> list[dict[str, Any]]:
    """What an experiment measured that a page has no time to repeat.

    Parameters
    ----------
    name : str
        The program that made the record is ``tools/<name>.py``. There is "depth_width": how well
        networks of several depths and sizes add two handwritten digits.

    Returns
    -------
    list of dict
        One entry per setting. For "depth_width": `budget` and `parameters`, wanted and true number
        of weights and biases; `depth`, number of hidden layers, and `width`, units in each of them;
        `right`, percentages of 2,000 test sums answered correctly, one per start.

    Raises
    ------
    ValueError
        If there is no such record.

    Examples
    --------
    >>> record("depth_width")[0]
    {'budget': 5000, 'depth': 1, 'width': 36, 'parameters': 5014, 'right': [38.95, 44.45, 37.2]}
    """
    files = {file.name: file for file in resources.files("dlcore.datasets").joinpath("data").iterdir()}
    if f"{name}.json" not in files:
        names = ", ".join(sorted(file.removesuffix(".json") for file in files if file.endswith(".json")))
        raise ValueError(f"no record is named {name!r}; there is {names}")
    entries: list[dict[str, Any]] = json.loads(files[f"{name}.json"].read_text(encoding="utf-8"))
    return entries
