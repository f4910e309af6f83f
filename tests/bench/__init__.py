"""Benchmarks; `python -m bench` says how to run them.

This file makes them a package of their own: aioesphomeapi installs one that is called `bench`, too.
"""
