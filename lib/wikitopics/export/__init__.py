"""Results that travel: one folder or zip with a model, what its scores mean, and what is known of it."""
