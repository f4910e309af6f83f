"""A reader that nobody finished is let go of after its file was closed, as after an error: no form minds."""

from __future__ import annotations

import json

import pytest

from formats.past.read_forms import a_reader_let_go_of_after_its_file
from hipsync.formats.past import (
    apple_health,
    fitabase,
    fitbit_takeout,
    garmin_json,
    google_health,
    mi_fitness,
    samsung_health,
    zepp,
)
from hipsync.formats.past.reading import Form

RECORD = (
    '<Record type="HKQuantityTypeIdentifierStepCount" sourceName="Watch" unit="count"'
    ' creationDate="2026-11-20 09:00:00 +0000" startDate="2026-11-20 08:00:00 +0000"'
    ' endDate="2026-11-20 08:01:00 +0000" value="9"/>'
)
DAY = {
    "totalSteps": 9, "wellnessStartTimeGmt": "2026-11-20T00:00:00.0", "wellnessEndTimeGmt": "2026-11-21T00:00:00.0",
}  # fmt: skip
BEAT = {"dateTime": "11/20/26 08:00:00", "value": {"bpm": 64, "confidence": 2}}
VALUE = '"{""steps"":60,""time"":1795161600}"'
FILES = [
    (apple_health.FORM, f"<HealthData>{RECORD * 3}</HealthData>", "export.xml"),
    (fitabase.FORM, "Id,ActivityMinute,Steps\n1,4/12/2016 12:00:00 AM,7\n1,4/12/2016 12:01:00 AM,7\n", "file.csv"),
    (fitbit_takeout.FORM, json.dumps([BEAT, BEAT]), "heart_rate-2026-11-20.json"),
    (garmin_json.FORM, json.dumps([DAY, DAY]), "UDSFile_2026.json"),
    (google_health.FORM, "sleep_stage_type,sleep_stage_start,sleep_stage_end\n"
     + "REM,2026-11-20 02:00:00+0000,2026-11-20 02:01:00+0000\n" * 2, "UserSleepStages_2026-11-20.csv"),
    (mi_fitness.FORM, f"Uid,Sid,Key,Time,Value,UpdateTime\n{f'1,2,steps,1795161600,{VALUE},1{chr(10)}' * 2}", "x.csv"),
    (samsung_health.FORM, "com.samsung.shealth.sleep,1,2\nstart_time,end_time\n"
     + "2026-11-20 02:00:00.000,2026-11-20 03:00:00.000,\n" * 2, "com.samsung.shealth.sleep.csv"),
    (zepp.FORM, "time,heartRate\n2026-11-20 08:00:00+0000,64\n2026-11-20 08:01:00+0000,64\n", "HEARTRATE_1.csv"),
]  # fmt: skip
"""A form, a text that says two things at least, and its name."""


@pytest.mark.parametrize(("form", "text", "name"), FILES, ids=[f"{form.label}" for form, _, _ in FILES])
def test_a_reader_that_nobody_finished_leaves_its_file_alone(form: Form, text: str, name: str) -> None:
    a_reader_let_go_of_after_its_file(form, text, name)
