"""Single frames of known truth, what finds dots in them, and how well that is done."""
