"""The embedded TensorFlow Serving-compatible model server: a pure core, a TensorFlow loader, gRPC and REST fronts."""
