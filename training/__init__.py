"""Where networks are defined, trained, compared and packaged; jobs that an orchestrator calls."""

import os

# Exports are TensorFlow graphs: another backend in a user's environment or ~/.keras must not win.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
