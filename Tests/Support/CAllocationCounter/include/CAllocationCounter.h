// Counts the heap allocations of a test process, by thread: linked into a test binary, this module's
// malloc and its relatives take the place of the C library's and pass every call on.
#pragma once

#include <stdint.h>

// Whether counting works here: with glibc, and without a sanitizer that has an allocator of its own.
int callocation_counter_available(void);

// Allocations made by the calling thread since it began, reallocations included.
int64_t callocation_count(void);
