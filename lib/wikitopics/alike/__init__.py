"""Look-alikes: features of any pictures, the nearest of them, and near duplicates."""
