"""Any columns in, any answers out."""
