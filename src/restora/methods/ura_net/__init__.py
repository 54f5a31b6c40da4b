"""URA-Net: uncertainty-integrated anomaly perception and restoration attention (arXiv 2603.22840)."""
