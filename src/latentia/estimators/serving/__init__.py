"""What a fitted model gives to programs without this library: graphs, and files of them."""
