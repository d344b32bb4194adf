"""PEP 517 builds at fixed paths."""
