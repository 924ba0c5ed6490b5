"""One page about a run: its state, curves, sample grids and configuration."""
