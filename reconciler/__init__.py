"""A declarative GitOps reconciler for TensorFlow Serving GPU fleets."""

__version__ = "0.1.0"
