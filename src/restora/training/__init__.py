"""Training: fit, export, check parity, calibrate, write."""
