"""From the camera's pixels to the confocal arm: which dots, where on the stage, in which order."""
