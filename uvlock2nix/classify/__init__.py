"""Environment + knowledge → classes."""
