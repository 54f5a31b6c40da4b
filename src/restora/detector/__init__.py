"""The everyday API: load a model, look, calibrate, evaluate."""
