"""The wire: TensorFlow Serving's messages, without TensorFlow in memory.

stubs: the only import of the generated messages and services · config: `ServerConfig` ↔ ModelServerConfig · text: its
text form, as `render` prints it and file delivery writes it · predictjson, tensors, comparing: what a check asks, and
whether the answer is the one expected. Connections and calls are the adapters' affair.
"""
