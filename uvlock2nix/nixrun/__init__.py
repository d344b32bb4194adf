"""The adapter to Nix: it runs nix and reads what nix says."""
