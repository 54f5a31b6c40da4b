"""Simple detectors of our own to measure the methods against, and the one way that every row is scored."""
