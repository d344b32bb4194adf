"""``python -m uvlock2nix``."""

from uvlock2nix.cli import main

if __name__ == "__main__":
    main()
