"""Hooks by which MkDocs completes the pages of this site."""
