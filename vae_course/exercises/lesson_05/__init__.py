"""The exercises of lesson 05, Gradients and reparameterisation: two estimators, a baseline, shared noise, and why."""
