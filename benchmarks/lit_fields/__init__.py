"""Simulated fields for the benchmark of what is called lit, kept on disk."""
