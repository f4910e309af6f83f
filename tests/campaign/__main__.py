"""Runs the campaign; see the package's docstring."""

from campaign.table import main

main()
