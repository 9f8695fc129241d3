"""`reconciler model-server`, as far as `--help` lists it; `cli.main` hands the real one over."""


def model_server() -> None:
    """Serve SavedModels like tensorflow_model_server, with its flags (model-server --help lists them)."""
