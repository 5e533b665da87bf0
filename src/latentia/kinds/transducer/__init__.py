"""From sequences to sequences, also where the inputs of some outputs are not known."""
