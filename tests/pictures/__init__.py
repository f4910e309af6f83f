"""The pictures of the README, made by the program itself: `uv run python -m pictures` writes them into docs/img."""
