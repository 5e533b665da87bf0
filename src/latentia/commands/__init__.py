"""Commands of the command line: a function each."""
