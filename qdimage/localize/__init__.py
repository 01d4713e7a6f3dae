"""Where the dots are, how bright, and how sure."""
