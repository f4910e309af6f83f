"""The past in other programs' exports: what their rows say of time, and the minutes that follow.

    said.py      what a row says: steps from here to there, a heart rate, sleep
    reading.py   what every form needs: zone, now, believable heart rates, why a row is left out
    minutes.py   minutes from all that was said, source by source
    forms.py     the forms, and which of them a file has
    csv_rows.py  rows of CSV, and cells as numbers and dates
    imported.py  the files of one form on their way into the database

Beside them stands a module for each form. A form knows its columns and nothing of bands, minutes and the database.
"""
