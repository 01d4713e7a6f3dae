"""Photon time tags to correlations."""
