"""Runs drivers over connections that the caller opens, with deadlines, and records what passes. It knows no radio."""
