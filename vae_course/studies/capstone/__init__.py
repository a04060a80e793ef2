"""The capstone: a world of 12 pixels whose truth is known, the test that a pipeline passes there, and its report card."""
