/* The processor's speed at fused multiply-adds. */
#pragma once

/** Operations per second of processor time on one thread, in the widest vectors there are: 16 independent sums, which nothing waits for. 0: not known here. **/
double FmaSpeed(void);

/** Seconds of processor time of this process, of all its threads. **/
double ProcessorTime(void);
