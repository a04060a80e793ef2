"""The exercises of lesson 01, Autoencoders: an error, a projection, an angle, the holes, and what is missing in words."""
