"""The nouns that flow between the stages."""
