"""The exercises of lesson 07, Your first VAE: its pieces, and the published losses in words."""
