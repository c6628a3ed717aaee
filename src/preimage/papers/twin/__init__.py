"""Wetzel, Inverting Non-Injective Functions with Twin Neural Network Regression, 2026."""
