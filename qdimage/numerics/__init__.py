"""What several stages need: spots, backgrounds, robust statistics, intervals."""
