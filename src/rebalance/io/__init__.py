"""Reading and writing: everything that knows a file format."""
