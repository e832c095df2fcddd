"""The engine: tensors, operations, and reverse accumulation. See README.md in this folder."""
