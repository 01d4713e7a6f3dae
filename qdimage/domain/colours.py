"""What colour means what, once for figures, report and plugin; by name, without a drawing library.

Okabe and Ito's colours, which colour-blind readers can tell apart, and two maps from black to white
through one hue each, lightness rising throughout.
"""

PL_STOPS = ("#000000", "#06382b", "#0b8a66", "#6fdcb5", "#ffffff")
EL_STOPS = ("#000000", "#470d3a", "#b0267f", "#f58cc3", "#ffffff")

# On a dark image: PL dots by what they are in an EL channel, and EL sources without a PL dot.
LIT, DARK, NOT_COUNTED = "#ffffff", "#9cc9f5", "#8d8d8d"
EL_ONLY = "#F0E442"
NO_ANSWER = "#ffb454"
REJECTED = "#D55E00"
