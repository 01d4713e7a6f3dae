"""Damaged files: how they are made, and who reads them."""
