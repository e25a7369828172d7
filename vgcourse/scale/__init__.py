"""Outgrow: several devices and machines, and a training to watch. Nothing in the core imports it."""
