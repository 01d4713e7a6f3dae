"""What `qd` does; the standard library alone, since nothing is installed yet."""
