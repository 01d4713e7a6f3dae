"""What every Gaussian has in common."""

import math

# Full width at half maximum over standard deviation.
FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
