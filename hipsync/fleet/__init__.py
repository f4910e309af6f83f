"""Many wearers: what gateways heard comes together in one Postgres (the extra `fleet`).

The way there:
place.py       where the fleet's database is, by the settings
database.py    the connection, its schema, and what a gateway says and asks
schema/        tables, the merge rule, and who may call what: a file of SQL a version
checking.py    what works between this computer and the database, tried

A gateway ships:
band_days.py   which bands are shipped, and a band-day as Postgres takes it
shipping.py    a gateway's SQLite as the outbox
shipper.py     ships every so many minutes while a gateway runs
obeying.py     a gateway erases what was erased there

A wearer's own computers (`hipsync.together`):
sharing.py     stands in the place of the home, and asks them who speaks
channel.py     passes their messages

Who is who:
owner.py       what only the owner of the database may do begins here
wearers.py     the wearers under their pseudonyms, and who wears which band
access.py      whose days a doctor sees, of which site a gateway is, and whose own computer
erasing.py     the owner erases a wearer, with the bytes, and a receipt

Days are judged:
heard.py       a band-day that comes back, as columns of what belongs to one wearer
reported.py    such days as a store behind the judgement (`hipsync.history.port`)
judging.py     the loop that judges what became dirty
queue.py       dirty days, as whoever judges sees them
workers.py     several processes that judge at once

What comes out:
judged.py      a judged day that comes back, as the summary that every output shows
answers.py     what the views of the schema say, as rows
asking.py      the named questions, and their answers as a table, CSV and JSON
before_after.py   a wearer's weeks after his treatment began beside his own before it
names.py       whose pseudonym is whose, from a file on this computer
pages.py       the list of all wearers and the page of each, as HTML
folders.py     a folder that is written whole, and nothing lost that is not ours
reporting.py   the pages, written into a folder
months.py      what bands reported of a wearer in a month, as columns
months_asked.py   the same, asked of the database
month_files.py a wearer's month as a file of Parquet
exporting.py   such files for all wearers, of which only those are written that changed
exported.py    a wearer's days judged again from such files, without Postgres
"""
