"""A day, a week and a month as text for a terminal, as JSON and CSV for programs, and as a page for a browser."""
