"""The index of nixpkgs: which version of a package it has, under which attribute."""
