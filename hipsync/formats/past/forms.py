"""The forms of exports, and which of them a file has."""

from __future__ import annotations

from collections.abc import Sequence

from hipsync.formats.past import (
    apple_health,
    colmi_client,
    fitabase,
    fitbit_takeout,
    garmin_fit,
    garmin_json,
    google_health,
    mi_fitness,
    samsung_health,
    zepp,
)
from hipsync.formats.past.reading import Form, Head

FORMS: Sequence[Form] = (
    apple_health.FORM,
    colmi_client.FORM,
    fitabase.FORM,
    fitbit_takeout.FORM,
    garmin_fit.FORM,
    garmin_json.FORM,
    google_health.FORM,
    mi_fitness.FORM,
    samsung_health.FORM,
    zepp.FORM,
)
"""Every form, in the order in which they are tried."""


def form_of(head: Head) -> Form | None:
    """The form of a file; None if it has none of `FORMS`."""
    return next((form for form in FORMS if form.fits(head)), None)
