"""From scores to verdicts that carry a promise."""
