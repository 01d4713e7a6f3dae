"""ADU to photons: calibration, defects, drift, projection."""
