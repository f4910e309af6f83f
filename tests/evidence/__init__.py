"""Measures what is known of each family, for docs/evidence.md."""
