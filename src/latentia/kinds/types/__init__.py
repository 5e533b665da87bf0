"""Community types of count tables: the whole way from a file of the field to types, their drivers, and how far they can be trusted."""
