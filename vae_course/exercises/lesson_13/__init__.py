"""The exercises of lesson 13, Structure and control: conditional bounds, Bayes, no label, the split, the MIG, a question."""
