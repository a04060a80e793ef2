"""The exercises of lesson 03, KL divergence and variational inference."""
