"""Benchmarks; `python -m bench` says how to run them.

They are run in the folder `tests`, because aioesphomeapi installs a package that is called `bench`, too.
"""
