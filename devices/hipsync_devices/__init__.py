"""The bands hipsync knows: one folder a family, reached by entry points only."""
