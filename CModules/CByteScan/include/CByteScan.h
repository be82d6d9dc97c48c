#pragma once

// Vectorized searches over bytes that lie in somebody else's memory.
//
// Every function reads the `n` bytes at `p` and nothing beyond: the inputs are not padded. All are
// `static inline`, so that the Swift compiler folds them into the loops that call them; SSE2 is
// part of every x86-64 and NEON of every arm64, so there is nothing to choose at run time.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif

/// The place of the first byte that a JSON string does not simply contain: a quotation mark, a
/// reverse solidus, a control character (below 0x20), or a byte of a non-ASCII character
/// (0x80 and above). `n` when there is none.
static inline size_t cbytescan_plain(const uint8_t *p, size_t n) {
    size_t i = 0;
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i solidus = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(0x20);
    for (; n - i >= 16; i += 16) {
        const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        // As signed bytes, 0x80 and above are negative: one comparison finds both ends.
        const __m128i hit = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, solidus)),
            _mm_cmplt_epi8(v, space));
        const unsigned mask = (unsigned)_mm_movemask_epi8(hit);
        if (mask) return i + (size_t)__builtin_ctz(mask);
    }
#elif defined(__ARM_NEON) && defined(__aarch64__)
    const uint8x16_t quote = vdupq_n_u8('"');
    const uint8x16_t solidus = vdupq_n_u8('\\');
    const int8x16_t space = vdupq_n_s8(0x20);
    for (; n - i >= 16; i += 16) {
        const uint8x16_t v = vld1q_u8(p + i);
        const uint8x16_t hit = vorrq_u8(
            vorrq_u8(vceqq_u8(v, quote), vceqq_u8(v, solidus)),
            vcltq_s8(vreinterpretq_s8_u8(v), space));
        // Four bits per byte: NEON has no movemask, but a narrowing shift does the same.
        const uint64_t mask = vget_lane_u64(
            vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(hit), 4)), 0);
        if (mask) return i + ((size_t)__builtin_ctzll(mask) >> 2);
    }
#endif
    for (; i < n; i++) {
        const uint8_t c = p[i];
        if (c == '"' || c == '\\' || c < 0x20 || c >= 0x80) return i;
    }
    return n;
}

/// How many bytes at `p` are whole, well-formed, non-ASCII UTF-8 characters in a row.
///
/// Stops in front of an ASCII byte, in front of an ill-formed or cut-off sequence, and at `n`. So
/// the text is ill-formed exactly when the byte it stops at exists and is 0x80 or above. The
/// ranges are those of table 3-7 of the Unicode standard: no overlong forms, no surrogates,
/// nothing above U+10FFFF.
static inline size_t cbytescan_utf8(const uint8_t *p, size_t n) {
    size_t i = 0;
    while (i < n) {
        const uint8_t lead = p[i];
        const size_t left = n - i;
        if (lead < 0xC2) return i;
        if (lead < 0xE0) {
            if (left < 2 || (p[i + 1] & 0xC0) != 0x80) return i;
            i += 2;
        } else if (lead < 0xF0) {
            if (left < 3 || (p[i + 2] & 0xC0) != 0x80) return i;
            const uint8_t low = lead == 0xE0 ? 0xA0 : 0x80;
            const uint8_t high = lead == 0xED ? 0x9F : 0xBF;
            if (p[i + 1] < low || p[i + 1] > high) return i;
            i += 3;
        } else {
            if (lead > 0xF4 || left < 4) return i;
            if ((p[i + 2] & 0xC0) != 0x80 || (p[i + 3] & 0xC0) != 0x80) return i;
            const uint8_t low = lead == 0xF0 ? 0x90 : 0x80;
            const uint8_t high = lead == 0xF4 ? 0x8F : 0xBF;
            if (p[i + 1] < low || p[i + 1] > high) return i;
            i += 4;
        }
    }
    return i;
}

/// The place of the first `value` among the `n` numbers at `p`, or `n`.
static inline size_t cbytescan_find32(const uint32_t *p, size_t n, uint32_t value) {
    size_t i = 0;
#if defined(__SSE2__)
    const __m128i wanted = _mm_set1_epi32((int)value);
    for (; n - i >= 4; i += 4) {
        const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        const unsigned mask = (unsigned)_mm_movemask_ps(_mm_castsi128_ps(_mm_cmpeq_epi32(v, wanted)));
        if (mask) return i + (size_t)__builtin_ctz(mask);
    }
#endif
    for (; i < n; i++) {
        if (p[i] == value) return i;
    }
    return n;
}

/// A quick 32-bit hash for tables that live no longer than one request; not stable between
/// versions, never stored. `seed` keeps senders from choosing keys that collide.
static inline uint32_t cbytescan_hash32(const uint8_t *p, size_t n, uint64_t seed) {
    const uint64_t factor = 0x9E3779B97F4A7C15u;
    uint64_t hash = seed ^ ((uint64_t)n * factor);
    uint64_t word = 0;
    while (n >= 8) {
        memcpy(&word, p, 8);
        hash = (hash ^ word) * factor;
        hash ^= hash >> 29;
        p += 8;
        n -= 8;
    }
    if (n >= 4) {
        uint32_t first = 0, last = 0;
        memcpy(&first, p, 4);
        memcpy(&last, p + n - 4, 4);
        word = (uint64_t)first << 32 | last;
    } else if (n > 0) {
        word = (uint64_t)p[0] << 16 | (uint64_t)p[n >> 1] << 8 | p[n - 1];
    } else {
        word = 0;
    }
    hash = (hash ^ word) * factor;
    hash ^= hash >> 32;
    hash *= factor;
    return (uint32_t)(hash >> 32);
}
