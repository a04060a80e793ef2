"""The exercises of lesson 04, The ELBO: the bound on tables, its gap, its two forms, a lost sign, and q in words."""
