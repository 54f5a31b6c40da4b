"""What runs the graph of a model folder."""
