"""The certificate of an answer: oracles, points, extremes."""
