"""Settings and hooks for all tests."""

from hypothesis import settings

from support.shared import pytest_configure, pytest_runtest_setup, pytest_terminal_summary

__all__ = ["pytest_configure", "pytest_runtest_setup", "pytest_terminal_summary"]

settings.register_profile("any machine", deadline=None)  # a deadline is a test of timing
settings.load_profile("any machine")
