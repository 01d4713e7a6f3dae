"""Which dots are lit: pairing, forced photometry, turn-on statistics."""
