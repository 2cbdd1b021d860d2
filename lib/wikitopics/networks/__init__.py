"""Networks that others trained, and their engine. Only the modules in here and in `train` import Keras."""

from wikitopics.networks import engine as engine  # first, so that Keras starts quietly
