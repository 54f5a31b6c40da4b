"""One graph from a fitted model, and the checks that it computes the same."""
