"""Lines, bands and comparisons of spectra."""
