"""Vectors that come from elsewhere, of pictures and of texts, and the labels in words; without Keras."""
