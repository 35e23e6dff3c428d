"""Records come with the package; what they say is tested beside the programs that made them."""

import pytest

from dlcore.datasets import record


def test_every_call_returns_a_copy_of_its_own():
    record("depth_width")[0]["right"].clear()
    assert len(record("depth_width")[0]["right"]) == 3


@pytest.mark.parametrize("name", ["depth", "depth_width.json", "digits_binarized", ""])
def test_an_unknown_record_is_refused_and_the_known_ones_are_named(name):
    with pytest.raises(ValueError, match=f"no record is named '{name}'; there is depth_width"):
        record(name)
