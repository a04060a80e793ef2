"""The exercises of lesson 06, Choosing the likelihood: grey pixels, two sigmas, effective beta, bits, and MSE in words."""
