// The implementations of the head reader, and the choice among them.
//
// CHTTPHeadReader.h is included once per instruction set; each time four scans are in place:
//   field_end   the first byte that may not stand in a line
//   token_end   the first byte that may not stand in a token
//   target_end  the first byte that is not a request target's, or is '?'
//   query_end   the first byte that may not stand behind that; bytes from 0x80 on may: real clients
//               send text there as it is
// All look at bytes from `at` up to `end` and answer `end` when they find none.

#include <stdatomic.h>

#include "CHTTPBytes.h"
#include "CHTTPParser.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

// MARK: scalar

static inline const uint8_t *scalar_field_end(const uint8_t *at, const uint8_t *end) {
    while (at < end && chttp_is(*at, CHTTP_FIELD)) at++;
    return at;
}

static inline const uint8_t *scalar_token_end(const uint8_t *at, const uint8_t *end) {
    while (at < end && chttp_is(*at, CHTTP_TOKEN)) at++;
    return at;
}

static inline const uint8_t *scalar_target_end(const uint8_t *at, const uint8_t *end) {
    while (at < end && *at > 0x20 && *at < 0x7F && *at != '#' && *at != '?') at++;
    return at;
}

static inline const uint8_t *scalar_query_end(const uint8_t *at, const uint8_t *end) {
    while (at < end && *at > 0x20 && *at != 0x7F && *at != '#') at++;
    return at;
}

#define CHTTP_FN(name) scalar_##name
#include "CHTTPHeadReader.h"
#undef CHTTP_FN

// Which tokens' bytes there are, for a look-up by nibbles: bit h of entry l says whether the byte
// with high nibble h and low nibble l is one. High nibbles from 8 on have no bit.
#define CHTTP_TOKEN_LOW                                                                             \
    0xE8, 0xFC, 0xF8, 0xFC, 0xFC, 0xFC, 0xFC, 0xFC, 0xF8, 0xF8, 0xF4, 0x54, 0xD0, 0x54, 0xF4, 0x70
#define CHTTP_TOKEN_HIGH 1, 2, 4, 8, 16, 32, 64, 128, 0, 0, 0, 0, 0, 0, 0, 0

#if defined(__x86_64__)

// MARK: SSE2, which every x86-64 processor has

static inline const uint8_t *sse2_field_end(const uint8_t *at, const uint8_t *end) {
    const __m128i tab = _mm_set1_epi8(0x09), last = _mm_set1_epi8(0x1F), del = _mm_set1_epi8(0x7F);
    for (; end - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)at);
        __m128i control = _mm_andnot_si128(_mm_cmpeq_epi8(v, tab), _mm_cmpeq_epi8(_mm_min_epu8(v, last), v));
        int mask = _mm_movemask_epi8(_mm_or_si128(control, _mm_cmpeq_epi8(v, del)));
        if (mask != 0) return at + __builtin_ctz((unsigned)mask);
    }
    return scalar_field_end(at, end);
}

static inline const uint8_t *sse2_target_end(const uint8_t *at, const uint8_t *end) {
    const __m128i space = _mm_set1_epi8(0x20), del = _mm_set1_epi8(0x7F);
    const __m128i hash = _mm_set1_epi8('#'), question = _mm_set1_epi8('?');
    for (; end - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)at);
        // Signed comparison: bytes from 0x80 on are below the space.
        __m128i good = _mm_andnot_si128(_mm_cmpeq_epi8(v, del), _mm_cmpgt_epi8(v, space));
        __m128i stops = _mm_or_si128(_mm_cmpeq_epi8(v, hash), _mm_cmpeq_epi8(v, question));
        unsigned mask = (unsigned)_mm_movemask_epi8(_mm_andnot_si128(stops, good)) ^ 0xFFFF;
        if (mask != 0) return at + __builtin_ctz(mask);
    }
    return scalar_target_end(at, end);
}

static inline const uint8_t *sse2_query_end(const uint8_t *at, const uint8_t *end) {
    const __m128i space = _mm_set1_epi8(0x20), del = _mm_set1_epi8(0x7F), hash = _mm_set1_epi8('#');
    for (; end - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)at);
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(v, space), v);
        __m128i stops = _mm_or_si128(_mm_cmpeq_epi8(v, hash), _mm_cmpeq_epi8(v, del));
        int mask = _mm_movemask_epi8(_mm_or_si128(control, stops));
        if (mask != 0) return at + __builtin_ctz((unsigned)mask);
    }
    return scalar_query_end(at, end);
}

#define sse2_token_end scalar_token_end
#define CHTTP_FN(name) sse2_##name
#include "CHTTPHeadReader.h"
#undef CHTTP_FN

// MARK: AVX2

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)

static inline const uint8_t *avx2_field_end(const uint8_t *at, const uint8_t *end) {
    const __m256i tab = _mm256_set1_epi8(0x09), last = _mm256_set1_epi8(0x1F), del = _mm256_set1_epi8(0x7F);
    for (; end - at >= 32; at += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)at);
        __m256i control =
            _mm256_andnot_si256(_mm256_cmpeq_epi8(v, tab), _mm256_cmpeq_epi8(_mm256_min_epu8(v, last), v));
        unsigned mask = (unsigned)_mm256_movemask_epi8(_mm256_or_si256(control, _mm256_cmpeq_epi8(v, del)));
        if (mask != 0) return at + __builtin_ctz(mask);
    }
    return sse2_field_end(at, end);
}

static inline const uint8_t *avx2_token_end(const uint8_t *at, const uint8_t *end) {
    const __m128i low = _mm_setr_epi8(
        (char)0xE8, (char)0xFC, (char)0xF8, (char)0xFC, (char)0xFC, (char)0xFC, (char)0xFC, (char)0xFC,
        (char)0xF8, (char)0xF8, (char)0xF4, 0x54, (char)0xD0, 0x54, (char)0xF4, 0x70);
    const __m128i high = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)128, 0, 0, 0, 0, 0, 0, 0, 0);
    const __m128i nibble = _mm_set1_epi8(0x0F), zero = _mm_setzero_si128();
    for (; end - at >= 16; at += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)at);
        __m128i rows = _mm_shuffle_epi8(low, _mm_and_si128(v, nibble));
        __m128i columns = _mm_shuffle_epi8(high, _mm_and_si128(_mm_srli_epi16(v, 4), nibble));
        int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(rows, columns), zero));
        if (mask != 0) return at + __builtin_ctz((unsigned)mask);
    }
    return scalar_token_end(at, end);
}

static inline const uint8_t *avx2_target_end(const uint8_t *at, const uint8_t *end) {
    const __m256i space = _mm256_set1_epi8(0x20), del = _mm256_set1_epi8(0x7F);
    const __m256i hash = _mm256_set1_epi8('#'), question = _mm256_set1_epi8('?');
    for (; end - at >= 32; at += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)at);
        __m256i good = _mm256_andnot_si256(_mm256_cmpeq_epi8(v, del), _mm256_cmpgt_epi8(v, space));
        __m256i stops = _mm256_or_si256(_mm256_cmpeq_epi8(v, hash), _mm256_cmpeq_epi8(v, question));
        unsigned mask = ~(unsigned)_mm256_movemask_epi8(_mm256_andnot_si256(stops, good));
        if (mask != 0) return at + __builtin_ctz(mask);
    }
    return sse2_target_end(at, end);
}

static inline const uint8_t *avx2_query_end(const uint8_t *at, const uint8_t *end) {
    const __m256i space = _mm256_set1_epi8(0x20), del = _mm256_set1_epi8(0x7F), hash = _mm256_set1_epi8('#');
    for (; end - at >= 32; at += 32) {
        __m256i v = _mm256_loadu_si256((const __m256i *)at);
        __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(v, space), v);
        __m256i stops = _mm256_or_si256(_mm256_cmpeq_epi8(v, hash), _mm256_cmpeq_epi8(v, del));
        unsigned mask = (unsigned)_mm256_movemask_epi8(_mm256_or_si256(control, stops));
        if (mask != 0) return at + __builtin_ctz(mask);
    }
    return sse2_query_end(at, end);
}

#define CHTTP_FN(name) avx2_##name
#include "CHTTPHeadReader.h"
#undef CHTTP_FN

#pragma clang attribute pop

#elif defined(__aarch64__)

// MARK: NEON, which every aarch64 processor has

// The place of the first byte of `stops` that is not zero (each is 0x00 or 0xFF), or 16.
static inline unsigned neon_first(uint8x16_t stops) {
    uint64_t nibbles = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(stops), 4)), 0);
    return nibbles == 0 ? 16 : (unsigned)__builtin_ctzll(nibbles) >> 2;
}

static inline const uint8_t *neon_field_end(const uint8_t *at, const uint8_t *end) {
    const uint8x16_t tab = vdupq_n_u8(0x09), space = vdupq_n_u8(0x20), del = vdupq_n_u8(0x7F);
    for (; end - at >= 16; at += 16) {
        uint8x16_t v = vld1q_u8(at);
        uint8x16_t control = vbicq_u8(vcltq_u8(v, space), vceqq_u8(v, tab));
        unsigned place = neon_first(vorrq_u8(control, vceqq_u8(v, del)));
        if (place < 16) return at + place;
    }
    return scalar_field_end(at, end);
}

static inline const uint8_t *neon_token_end(const uint8_t *at, const uint8_t *end) {
    static const uint8_t low_bytes[16] = {CHTTP_TOKEN_LOW};
    static const uint8_t high_bytes[16] = {CHTTP_TOKEN_HIGH};
    const uint8x16_t low = vld1q_u8(low_bytes), high = vld1q_u8(high_bytes), nibble = vdupq_n_u8(0x0F);
    for (; end - at >= 16; at += 16) {
        uint8x16_t v = vld1q_u8(at);
        uint8x16_t rows = vqtbl1q_u8(low, vandq_u8(v, nibble));
        uint8x16_t columns = vqtbl1q_u8(high, vshrq_n_u8(v, 4));
        unsigned place = neon_first(vceqzq_u8(vandq_u8(rows, columns)));
        if (place < 16) return at + place;
    }
    return scalar_token_end(at, end);
}

static inline const uint8_t *neon_target_end(const uint8_t *at, const uint8_t *end) {
    const uint8x16_t space = vdupq_n_u8(0x20), del = vdupq_n_u8(0x7F);
    const uint8x16_t hash = vdupq_n_u8('#'), question = vdupq_n_u8('?');
    for (; end - at >= 16; at += 16) {
        uint8x16_t v = vld1q_u8(at);
        uint8x16_t outside = vorrq_u8(vcleq_u8(v, space), vcgeq_u8(v, del));
        uint8x16_t stops = vorrq_u8(vceqq_u8(v, hash), vceqq_u8(v, question));
        unsigned place = neon_first(vorrq_u8(outside, stops));
        if (place < 16) return at + place;
    }
    return scalar_target_end(at, end);
}

static inline const uint8_t *neon_query_end(const uint8_t *at, const uint8_t *end) {
    const uint8x16_t space = vdupq_n_u8(0x20), del = vdupq_n_u8(0x7F), hash = vdupq_n_u8('#');
    for (; end - at >= 16; at += 16) {
        uint8x16_t v = vld1q_u8(at);
        uint8x16_t stops = vorrq_u8(vceqq_u8(v, hash), vceqq_u8(v, del));
        unsigned place = neon_first(vorrq_u8(vcleq_u8(v, space), stops));
        if (place < 16) return at + place;
    }
    return scalar_query_end(at, end);
}

#define CHTTP_FN(name) neon_##name
#include "CHTTPHeadReader.h"
#undef CHTTP_FN

#endif

// MARK: the choice

typedef uint8_t (*chttp_reader)(chttp_head *, const uint8_t *, size_t, uint32_t);

int chttp_implementation_available(int implementation) {
    switch (implementation) {
    case CHTTP_SCALAR: return 1;
#if defined(__x86_64__)
    case CHTTP_SSE2: return 1;
    case CHTTP_AVX2: return __builtin_cpu_supports("avx2") != 0;
#elif defined(__aarch64__)
    case CHTTP_NEON: return 1;
#endif
    default: return 0;
    }
}

static chttp_reader reader_of(int implementation) {
    switch (implementation) {
#if defined(__x86_64__)
    case CHTTP_SSE2: return sse2_read_head;
    case CHTTP_AVX2: return avx2_read_head;
#elif defined(__aarch64__)
    case CHTTP_NEON: return neon_read_head;
#endif
    default: return scalar_read_head;
    }
}

uint8_t chttp_read_head_with(
    int implementation, chttp_head *head, const uint8_t *data, size_t count, uint32_t field_lines_max) {
    return reader_of(implementation)(head, data, count, field_lines_max);
}

static uint8_t choose_and_read(chttp_head *head, const uint8_t *data, size_t count, uint32_t field_lines_max);

// Two threads may choose at the same time; they choose the same.
static _Atomic(chttp_reader) chosen = choose_and_read;

static uint8_t choose_and_read(chttp_head *head, const uint8_t *data, size_t count, uint32_t field_lines_max) {
    chttp_reader reader = scalar_read_head;
    for (int i = 0; i < CHTTP_IMPLEMENTATIONS; i++) {
        if (chttp_implementation_available(i)) reader = reader_of(i);
    }
    atomic_store_explicit(&chosen, reader, memory_order_relaxed);
    return reader(head, data, count, field_lines_max);
}

uint8_t chttp_read_head(chttp_head *head, const uint8_t *data, size_t count, uint32_t field_lines_max) {
    return atomic_load_explicit(&chosen, memory_order_relaxed)(head, data, count, field_lines_max);
}

// MARK: what needs no vectors

const char *chttp_fault_label(uint8_t code) {
    switch (code) {
#define CHTTP_FAULT_CASE(name, label) \
    case CHTTP_##name: return label;
        CHTTP_FAULTS(CHTTP_FAULT_CASE)
#undef CHTTP_FAULT_CASE
    default: return "";
    }
}

int chttp_find_field(
    const chttp_head *head, const uint8_t *data, const uint8_t *name, size_t name_count,
    chttp_span *value) {
    const uint8_t *at = data + head->fields_start;
    // The empty line at the end of the head is no field.
    const uint8_t *end = data + head->head_bytes - 2;
    while (at < end) {
        // The head is complete, so every line has its CR, and a CR stands nowhere else.
        const uint8_t *stop = memchr(at, '\r', (size_t)(end - at));
        const uint8_t *colon = memchr(at, ':', (size_t)(stop - at));
        if ((size_t)(colon - at) == name_count) {
            size_t i = 0;
            while (i < name_count && (uint8_t)(at[i] + ((uint8_t)(at[i] - 'A') < 26 ? 32 : 0)) == name[i]) i++;
            if (i == name_count) {
                *value = chttp_trimmed(data, colon + 1, stop);
                return 1;
            }
        }
        at = stop + 2;
    }
    return 0;
}
