"""What runs inside deps: drives uv, builds sdists at fixed paths, makes the tree the same every time."""
