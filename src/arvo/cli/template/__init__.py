"""The project that `arvo init` writes; its files are copied as they stand."""
