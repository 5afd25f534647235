"""Writing on: what is kept from token to token, which token is drawn, when to stop, and the loop."""
