"""The exercises of lesson 08, Inside the latent space: where the codes lie, and how to walk among them."""
