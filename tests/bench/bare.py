"""The least that a program which shows today's rows must do: the baseline of `bench.today`.

Its arguments are the database and the second, counted from 1970, at which the local day began.
"""

import sqlite3
import sys

import click


def main() -> None:
    db = sqlite3.connect(sys.argv[1])
    rows = db.execute("SELECT * FROM epochs WHERE band = 1 AND start >= ?", (int(sys.argv[2]),)).fetchall()
    click.echo(len(rows))
