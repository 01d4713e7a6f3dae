"""Charge-carrier rate models: declared transitions, and what follows from them."""
