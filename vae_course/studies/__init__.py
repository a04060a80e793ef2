"""What one lesson examines: collapse, rate and distortion, compression, broken trainings, published tables."""
