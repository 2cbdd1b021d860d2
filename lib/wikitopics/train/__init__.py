"""What a network learns from labels."""

from wikitopics.networks import engine as engine  # first, so that Keras starts quietly
