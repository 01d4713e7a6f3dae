"""The map between two channels, or the reason why there is none."""
