"""Installed distributions: RECORD, dist-info, entry points."""
