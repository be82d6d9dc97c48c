#define _GNU_SOURCE
#include "CSyncCounter.h"

#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local int64_t syncs;

int64_t csync_count(void) { return syncs; }

// The program's own symbols come before the C library's, also for the libraries it loads.
#define INTERPOSED __attribute__((visibility("default"), used))

INTERPOSED int fsync(int file) {
    syncs++;
    return (int)syscall(SYS_fsync, file);
}

INTERPOSED int fdatasync(int file) {
    syncs++;
    return (int)syscall(SYS_fdatasync, file);
}
