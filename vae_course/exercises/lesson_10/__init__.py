"""The exercises of lesson 10, Rate, distortion and collapse: the rate, its split, active units, free bits, a diagnosis."""
