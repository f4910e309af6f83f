.PHONY: demo test lint all constraints
demo:; uv run hipsync demo
test:; uv run pytest
lint:; uv run --group check sh -c 'ruff format --check . && ruff check . && mypy && pyright && lint-imports'
all:; .ci/run
constraints:; uv pip compile pyproject.toml --universal --python-version 3.11 --all-extras --group dev --group check --group docs --group parquet --group screens --upgrade --no-annotate --custom-compile-command 'make constraints' --quiet --output-file constraints.txt
