"""Model files: where they come from, how they get here, what they are, whether they are whole."""
