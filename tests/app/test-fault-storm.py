"""A short storm: 20 runs killed at random moments come through, and end as the run that was left alone. tools/bench/fault-storm.sh: more."""

import time

from harness import expect, finish, scratch
from storm import Storm

RUNS = 20
SECONDS = 80  # a busy machine does fewer, and 5 at least

begin = time.monotonic()
storm = Storm(scratch(), seed=1)
while storm.runs < RUNS and (storm.runs < 5 or time.monotonic() - begin < SECONDS):
    storm.one()
for complaint in storm.complaints[:12]:
    expect(False, complaint)
expect(storm.survived == storm.runs, f"survived: {storm.survived}/{storm.runs}")
expect(storm.kills >= storm.runs // 2, f"few runs were hit: {storm.summary()}")
finish()
