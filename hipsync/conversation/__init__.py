"""Running a driver over a link that somebody else opened: deadlines, captures, recordings. No radio here."""
