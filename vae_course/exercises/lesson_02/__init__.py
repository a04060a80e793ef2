"""The exercises of lesson 02, Latent-variable models: Bayes on tables, a grid sum, draws of a model, p(x) from draws."""
