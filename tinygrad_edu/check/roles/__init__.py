"""What forward.py and explain.py still read the course by."""
