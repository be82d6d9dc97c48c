// Counts the calls of this thread that wait for a disk: fsync and fdatasync, whoever makes them.
#ifndef SLUICE_SYNC_COUNTER_H
#define SLUICE_SYNC_COUNTER_H
#include <stdint.h>

// Calls of this thread since it began.
int64_t csync_count(void);

#endif
