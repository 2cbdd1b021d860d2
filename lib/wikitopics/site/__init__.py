"""The executed notebooks as a static site: their cells cleaned, their figures live, their links kept."""
