"""Figures and the report, from the tables of a finished run alone."""
