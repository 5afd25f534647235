"""One task a file: model, processor, data, metrics and how a prediction is shown."""
