"""The past in other programs' exports: what their rows say of time, and the minutes that follow.

    said.py      what a row says: steps from here to there, a heart rate, sleep
    reading.py   what a form needs to be read: zone, now, what is left out
    minutes.py   minutes from all that was said, source by source
    forms.py     the forms, and which of them a file has
    csv_rows.py  rows and cells of the CSVs of Zepp, Mi Fitness and Samsung Health

Beside them stands a module for each form. A form knows its columns and nothing of bands, minutes and the database.
"""
