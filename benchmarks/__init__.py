"""Times this package against the TypeScript packages from npm, side by side: `python -m benchmarks`."""
