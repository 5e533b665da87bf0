"""The kinds of models, a folder each."""
