"""Names that an outsider's package may use: one that was renamed still works, and warns."""

from __future__ import annotations

import importlib

import pytest

from hipsync.testing import MemoryStore


@pytest.mark.parametrize("module", ["hipsync.testing", "hipsync.testing.direct"])
def test_a_renamed_class_of_the_kit_is_found_by_its_old_name_with_a_warning(module: str) -> None:
    with pytest.warns(DeprecationWarning, match="Kept is called MemoryStore now") as warned:
        assert importlib.import_module(module).Kept is MemoryStore
    assert {each.filename for each in warned} == {__file__}, "it names the line that uses the old name"


def test_a_name_that_never_was_is_an_attribute_error() -> None:
    for module in ("hipsync.testing", "hipsync.testing.direct"):
        with pytest.raises(AttributeError, match="never_was"):
            _ = importlib.import_module(module).never_was


def test_a_renamed_limit_of_drivers_is_found_by_its_old_name_with_a_warning() -> None:
    driver = importlib.import_module("hipsync.driver")
    with pytest.warns(DeprecationWarning, match="TELLING is called LONGEST_EPOCH_TO_JUDGE_BY now"):
        assert driver.TELLING == driver.LONGEST_EPOCH_TO_JUDGE_BY
    with pytest.raises(AttributeError, match="never_was"):
        _ = driver.never_was
