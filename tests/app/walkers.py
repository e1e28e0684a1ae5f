"""Histories of walkers, as run.h5 holds them."""

import numpy


def round_trips(walker):
    """Bottom to top to bottom, counted for each walker by itself."""
    top, trips = walker.shape[1] - 1, 0
    for number in range(walker.shape[1]):
        been_below, been_above = False, False
        for rung in numpy.argmax(walker == number, axis=1):
            if rung == 0:
                trips += been_above
                been_below, been_above = True, False
            elif rung == top and been_below:
                been_above = True
    return trips
