"""Carbon: factors by the hour of use, warming potentials, contracts, fuels, gases, footprints and what they cover."""
