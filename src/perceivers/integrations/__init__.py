"""Bridges to other libraries; each file needs the package that it is named after."""
