"""The rule's prompts against posture sensors are as good as docs/rule.md says."""

from __future__ import annotations

import pytest

from bench import activpal
from support.shared import needs_shared


@needs_shared("activpal_minutes.csv.gz")
@pytest.mark.ring
def test_four_recordings_give_the_figures_of_the_text() -> None:
    people = activpal.recordings()
    scores = activpal.checked(people)  # it raises if the core prompts at another minute than the text
    for use, (_, told) in activpal.POSTURE.items():
        assert scores[use].f1 == pytest.approx(told, abs=0.01), use
    found = activpal.totals(people)
    assert found.ratio == pytest.approx(0.99, abs=0.01)
    assert found.error <= 10
