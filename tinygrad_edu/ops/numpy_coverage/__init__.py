"""The rest of NumPy: other names, plain results, refusals."""
