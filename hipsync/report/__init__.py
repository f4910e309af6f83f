"""A day, a week and a month, for a terminal, a program and a browser."""
