import numpy as np
import pytest

from dlcore.display import check


def test_says_what_holds(capsys):
    check("the gap closes", True, "gap 1e-9")
    check("and no detail is needed", np.True_)
    assert capsys.readouterr().out == "ok: the gap closes (gap 1e-9)\nok: and no detail is needed\n"


@pytest.mark.parametrize("passed", [False, np.False_, np.float64(2) < 1])
def test_stops_at_what_does_not_hold(passed, capsys):
    with pytest.raises(AssertionError, match=r"^the gap closes \(gap 3\)$"):
        check("the gap closes", passed, "gap 3")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("passed", [1, 0.0, "yes", None, [True], np.array([True, True]), np.array(True), np.int64(1)])
def test_refuses_what_merely_counts_as_true(passed):
    with pytest.raises(TypeError, match="needs True or False"):
        check("the gap closes", passed)
