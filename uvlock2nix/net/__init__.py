"""The network: one client, files and parts of files, hashes checked."""
