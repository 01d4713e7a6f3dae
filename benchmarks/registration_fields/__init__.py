"""Fields for the registration benchmark: photographed ones, and lists of dots."""
