"""The exercises of lesson 18, The autoencoder inside today's generators: price, density, guidance, prior, words."""
