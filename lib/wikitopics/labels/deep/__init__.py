"""The label source commons-learned-deep: a small encoder reads the names, in whole numbers."""
