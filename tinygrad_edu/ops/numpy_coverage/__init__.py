"""What becomes of the rest of NumPy: other names, plain results, refusals."""
