"""What a network learns from labels. Only the modules in here import Keras."""

from wikitopics.train import engine as engine  # first, so that Keras starts quietly
