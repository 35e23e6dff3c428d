"""Claims that the reader sees verified."""

from __future__ import annotations

import numpy as np


def check(claim: str, passed: bool | np.bool_, detail: str = "") -> None:
    """Print a claim that holds; stop at one that does not.

    Parameters
    ----------
    claim : str
        What is claimed, in words.
    passed : bool or numpy.bool
        Whether it holds: the value of one comparison, not something that merely counts as true.
    detail : str, optional
        The number behind the verdict.

    Raises
    ------
    AssertionError
        If the claim does not hold.
    TypeError
        If `passed` is not a truth value: an array or a number would hide what was compared.

    Examples
    --------
    >>> check("two and two make four", 2 + 2 == 4, "error 0")
    ok: two and two make four (error 0)
    """
    if not isinstance(passed, bool | np.bool_):
        raise TypeError(f"a check needs True or False, got {type(passed).__name__} for {claim!r}")
    text = f"{claim} ({detail})" if detail else claim
    if not passed:
        raise AssertionError(text)
    print(f"ok: {text}")
