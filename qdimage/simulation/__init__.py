"""Scene to camera stack: whole experiments with their ground truth."""
