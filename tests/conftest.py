"""Of all tests."""

from hypothesis import settings

settings.register_profile("any machine", deadline=None)  # a deadline is a test of timing
settings.load_profile("any machine")

pytest_plugins = ("support.shared",)
