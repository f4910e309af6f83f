"""A heart rate alone is no sign of life: nobody is prompted just one hour after the prompt hours begin."""

from __future__ import annotations

import pytest

from bench import sleepers
from support.real_people import needs_everybody


@needs_everybody
@pytest.mark.ring
def test_two_people_whose_wear_is_known_are_prompted_as_the_text_says() -> None:
    everybody = list(sleepers.people().values())
    for heart in (True, False):  # the next line raises if the core shows another prompt than the text
        before, after = sleepers.before_and_after(everybody, sleepers.DEFAULT, heart=heart)
        assert (after.at_opening, before.days) == (0, 60)
        assert after.false <= before.false
    assert sleepers.before_and_after(everybody, sleepers.POLICIES["6:00"], heart=True)[0].false_at_opening > 0
    assert sleepers.before_and_after(everybody, sleepers.POLICIES["6:00"], heart=True)[1].false_at_opening == 0
