#pragma once
#include <stdint.h>

/// Heap allocations (malloc, calloc, realloc, aligned forms) this thread has made so far.
/// Linking this module puts counting entry points in front of glibc's allocator.
uint64_t callocation_count(void);
