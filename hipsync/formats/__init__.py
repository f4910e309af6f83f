"""Files in and out: hipsync's own CSV, JSON and Parquet, and the exports of other programs.

An import goes from the files to the database in this order::

    containers.py   what lies in a file: ZIPs, gzips, folders
    gathering.py    which kind each part is, and all that was read
    csv_minutes.py, json_archive.py, parquet_minutes.py, gadgetbridge.py, past/    one kind each
    landing.py      into the database, in short transactions, all at once or not at all
"""
