"""Labelled images as training reads them, whatever they are stored as."""
