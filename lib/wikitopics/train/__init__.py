"""What a network learns from labels. Only the modules in here import Keras."""

import os

# TensorFlow's C++ notes (how it was built, that there is no GPU) are no results; its errors stay.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
