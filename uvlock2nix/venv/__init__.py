"""What makes an installed tree runnable: interpreter, launchers, bytecode, and the project's own packages."""
