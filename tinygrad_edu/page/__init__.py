"""Pages that walk through a computation, and compute. See README.md in this folder."""
