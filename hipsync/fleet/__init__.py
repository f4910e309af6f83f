"""Many wearers: what gateways heard comes together in one Postgres (the extra `fleet`).

band_days.py   which bands of a gateway are shipped, and a band-day as Postgres takes it; knows no network
place.py       where the fleet's database is, by the settings
database.py    the only module that speaks to Postgres
schema/        its tables, the merge rule, and who may call what: a file of SQL a version
shipping.py    a gateway's SQLite as the outbox
owner.py       what only the owner of the database may do begins here
access.py      whose days a doctor sees, and of which site a gateway is
erasing.py     the owner erases a wearer, with the bytes, and a receipt
obeying.py     a gateway erases what is erased there
answers.py     what the views of the schema say, as rows
asking.py      the named questions, and their answers as a table, CSV and JSON
before_after.py   a wearer's weeks after his treatment began beside his own before it
judged.py      a judged day that comes back, as the summary that every output shows
names.py       whose pseudonym is whose, from a file on this computer
pages.py       the list of all wearers and the page of each, as HTML
folders.py     a folder that is written whole, and nothing lost that is not ours
reporting.py   the pages, written into a folder
months.py      what bands reported of a wearer in a month, as columns
months_asked.py   the same, asked of the database
month_files.py a wearer's month as a file of Parquet
exporting.py   such files for all wearers, of which only those are written that changed
checking.py    what works between this computer and the database, tried
"""
