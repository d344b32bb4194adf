"""Clues in build files, one module for each build system."""
