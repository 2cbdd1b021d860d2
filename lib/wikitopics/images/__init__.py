"""From files to small squares of pixels, decoded in full, without copies, in a split that leaks nothing."""
