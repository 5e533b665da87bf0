"""Series of numbers with a code for each, also where numbers are missing and lengths differ."""
