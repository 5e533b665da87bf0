"""Models of sequences: text, events and series with a code for each item, and language models."""
