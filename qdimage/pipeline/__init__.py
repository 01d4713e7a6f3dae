"""The stages in order: from an experiment's declaration to its tables."""
