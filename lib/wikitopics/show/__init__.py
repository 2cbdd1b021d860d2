"""Figures, their static twins, contact sheets, and browsers for a notebook."""
