"""Look-alikes: features of any pictures, the nearest of them, near duplicates, and a map."""
