"""The bands that hipsync knows: a folder for each family, reached by entry points only."""
