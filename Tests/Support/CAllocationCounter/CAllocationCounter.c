#include "CAllocationCounter.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)

static _Thread_local int64_t allocations;

int callocation_counter_available(void) { return 1; }
int64_t callocation_count(void) { return allocations; }

// The GNU C library's own entries; memory they give is freed by its free, which stays in place.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

#define INTERPOSED __attribute__((visibility("default"), used))

INTERPOSED void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

INTERPOSED void *calloc(size_t count, size_t size) {
    allocations++;
    return __libc_calloc(count, size);
}

INTERPOSED void *realloc(void *memory, size_t size) {
    allocations++;
    return __libc_realloc(memory, size);
}

INTERPOSED void *memalign(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}

INTERPOSED void *aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}

INTERPOSED int posix_memalign(void **memory, size_t alignment, size_t size) {
    allocations++;
    if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
    void *result = __libc_memalign(alignment, size);
    if (result == NULL) return ENOMEM;
    *memory = result;
    return 0;
}

#else

int callocation_counter_available(void) { return 0; }
int64_t callocation_count(void) { return 0; }

#endif
