"""Current against voltage, and from which voltage on there is light."""
