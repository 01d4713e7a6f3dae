"""Simulated fields for the benchmark of the turn-on fraction, kept on disk."""
