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
    if (i < n && n >= 16) {
        // The last 16 bytes are looked at once more rather than one by one.
        const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + n - 16));
        const __m128i hit = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, solidus)),
            _mm_cmplt_epi8(v, space));
        const unsigned mask = (unsigned)_mm_movemask_epi8(hit) >> (i - (n - 16));
        return mask ? i + (size_t)__builtin_ctz(mask) : n;
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

/// Whether the `n` bytes at `p` and at `q` are the same.
static inline int cbytescan_equal(const uint8_t *p, const uint8_t *q, size_t n) {
    if (n >= 8) {
        uint64_t a, b;
        for (size_t i = 0; i + 8 < n; i += 8) {
            memcpy(&a, p + i, 8);
            memcpy(&b, q + i, 8);
            if (a != b) return 0;
        }
        // The last eight may overlap those before: that is cheaper than a loop over single bytes.
        memcpy(&a, p + n - 8, 8);
        memcpy(&b, q + n - 8, 8);
        return a == b;
    }
    if (n >= 4) {
        uint32_t a, b, c, d;
        memcpy(&a, p, 4);
        memcpy(&b, q, 4);
        memcpy(&c, p + n - 4, 4);
        memcpy(&d, q + n - 4, 4);
        return a == b && c == d;
    }
    for (size_t i = 0; i < n; i++) {
        if (p[i] != q[i]) return 0;
    }
    return 1;
}

/// Copies `n` bytes from `q` to `p`, which do not overlap. A call of memcpy costs more than most of what is
/// copied here.
static inline void cbytescan_copy(uint8_t *p, const uint8_t *q, size_t n) {
    if (n > 64) {
        memcpy(p, q, n);
    } else if (n >= 16) {
        // In fixed sizes, each a few instructions; the last ones may overlap those before.
        memcpy(p, q, 16);
        if (n > 32) {
            memcpy(p + 16, q + 16, 16);
            if (n > 48) memcpy(p + 32, q + 32, 16);
        }
        memcpy(p + n - 16, q + n - 16, 16);
    } else if (n >= 8) {
        memcpy(p, q, 8);
        memcpy(p + n - 8, q + n - 8, 8);
    } else if (n >= 4) {
        memcpy(p, q, 4);
        memcpy(p + n - 4, q + n - 4, 4);
    } else if (n > 0) {
        p[0] = q[0];
        p[n >> 1] = q[n >> 1];
        p[n - 1] = q[n - 1];
    }
}

/// Where the name of an object's member lies, in bytes from where the search began.
typedef struct {
    uint32_t start;
    uint32_t count;
    /// Behind the colon; 0 when there is no plain name here.
    uint32_t end;
} cbytescan_name;

/// Reads `"name":`, with white space around the tokens, and a comma before it where `comma` is not 0.
/// Finds nothing where the name holds an escape or a byte outside ASCII, and where the text ends or is not JSON:
/// whoever asks then looks closer.
static inline cbytescan_name cbytescan_find_name(const uint8_t *p, size_t n, int comma) {
    const cbytescan_name none = {0, 0, 0};
    size_t i = 0;
#define CBYTESCAN_SKIP_SPACE \
    while (i < n && p[i] <= 0x20 && (p[i] == 0x20 || p[i] == 0x0A || p[i] == 0x0D || p[i] == 0x09)) i++
    if (n > UINT32_MAX) return none;
    CBYTESCAN_SKIP_SPACE;
    if (comma) {
        if (i >= n || p[i] != ',') return none;
        i++;
        CBYTESCAN_SKIP_SPACE;
    }
    if (i >= n || p[i] != '"') return none;
    const size_t start = ++i;
    i += cbytescan_plain(p + i, n - i);
    if (i >= n || p[i] != '"') return none;
    const size_t count = i++ - start;
    CBYTESCAN_SKIP_SPACE;
    if (i >= n || p[i] != ':') return none;
    i++;
#undef CBYTESCAN_SKIP_SPACE
    const cbytescan_name name = {(uint32_t)start, (uint32_t)count, (uint32_t)i};
    return name;
}

/// The end of a number with at most 19 digits and without exponent that begins at `p`: a minus sign is not
/// taken. 0 when there is none, or a longer one, or one that is not JSON. `*fraction` tells whether it has one,
/// `*value` its digits as a whole number, without the point.
static inline size_t cbytescan_plain_number(const uint8_t *p, size_t n, int *fraction, uint64_t *value) {
    size_t i = 0;
    uint64_t digits = 0;
    *fraction = 0;
    // One byte more must be there: a number is ended by what follows it.
    const size_t limit = n < 20 ? n : 20;
    while (i < limit && (uint8_t)(p[i] - '0') < 10) digits = digits * 10 + (uint64_t)(p[i++] - '0');
    if (i == 0 || i >= limit || (p[0] == '0' && i > 1)) return 0;
    if (p[i] == '.') {
        *fraction = 1;
        const size_t point = i++;
        while (i < limit && (uint8_t)(p[i] - '0') < 10) digits = digits * 10 + (uint64_t)(p[i++] - '0');
        if (i == point + 1 || i >= limit) return 0;
    }
    if (p[i] == '.' || (p[i] | 0x20) == 'e') return 0;
    *value = digits;
    return i;
}

/// Whether the `n` bytes at `p` begin with the `m` bytes at `q`: at most 32, but 32 can be read there.
static inline int cbytescan_begins(const uint8_t *p, size_t n, const uint8_t *q, size_t m) {
    if (m > 32 || n < m) return 0;
    if (n < 32) return memcmp(p, q, m) == 0;
#if defined(__SSE2__)
    const __m128i *const x = (const __m128i *)(const void *)p;
    const __m128i *const y = (const __m128i *)(const void *)q;
    const uint32_t low = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(x), _mm_loadu_si128(y)));
    const uint32_t high =
        (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(x + 1), _mm_loadu_si128(y + 1)));
    const uint64_t same = (uint64_t)high << 16 | low;
    return (~same & (((uint64_t)1 << m) - 1)) == 0;
#else
    return memcmp(p, q, m) == 0;
#endif
}

/// A place in a text where another text may differ from it.
typedef struct {
    /// Where it stands in the text that was learned.
    uint32_t start;
    uint32_t count;
    /// 0: the inside of a JSON string without escapes, ASCII only, not empty. 1: the same, or empty. 2: a whole number of
    /// 1 to 9 digits, not beginning with 0. 3: `03:04:05.678Z`.
    uint32_t kind;
} cbytescan_gap;

/// Whether 13 bytes are a time of day, as in `03:04:05.678Z`; no leap second.
static inline int cbytescan_is_time(const uint8_t *p) {
    const uint8_t digits[9] = {p[0], p[1], p[3], p[4], p[6], p[7], p[9], p[10], p[11]};
    unsigned wrong = 0;
    for (int i = 0; i < 9; i++) wrong |= (uint8_t)(digits[i] - '0') > 9;
    wrong |= p[2] != ':' || p[5] != ':' || p[8] != '.' || p[12] != 'Z';
    // Of two digits each, compared as text.
    wrong |= p[0] > '2' || (p[0] == '2' && p[1] > '3') || p[3] > '5' || p[6] > '5';
    return !wrong;
}

/// How far the `n` bytes at `p` go as the `m` bytes at `q` do, except in the `gaps`, which rise and lie within them:
/// what is found in each goes to `found`, its place and its length. The `n` bytes may go on behind that. 0 when
/// they differ; a text with which nothing differs is one byte long at least.
static inline size_t cbytescan_match(
    const uint8_t *p, size_t n, const uint8_t *q, size_t m, const cbytescan_gap *gaps, size_t gap_count,
    uint32_t *found) {
    size_t here = 0, learned = 0;
    if (n > UINT32_MAX) return 0;
    for (size_t i = 0; i < gap_count; i++) {
        const size_t between = gaps[i].start - learned;
        if (n - here < between || !cbytescan_equal(p + here, q + learned, between)) return 0;
        here += between;
        learned = (size_t)gaps[i].start + gaps[i].count;
        size_t count = 0;
        switch (gaps[i].kind) {
        case 2:
            while (here + count < n && (uint8_t)(p[here + count] - '0') < 10) count++;
            if (count < 1 || count > 9 || p[here] == '0') return 0;
            break;
        case 3:
            count = 13;
            if (n - here < count || !cbytescan_is_time(p + here)) return 0;
            break;
        default:
            count = cbytescan_plain(p + here, n - here);
            // A mark must follow, or the string goes on in some other way.
            if (here + count >= n || p[here + count] != '"' || (count == 0 && gaps[i].kind == 0)) return 0;
        }
        found[2 * i] = (uint32_t)here;
        found[2 * i + 1] = (uint32_t)count;
        here += count;
    }
    const size_t rest = m - learned;
    if (n - here < rest || !cbytescan_equal(p + here, q + learned, rest)) return 0;
    return here + rest;
}

/// Which of the 64 bytes from `i` on, of the `n` at `p`, a parameter of a form does not simply contain: `&`, `=`, `%`,
/// `+`, and what a JSON string does not (see `cbytescan_plain`). One bit for each, the first one lowest.
static inline uint64_t cbytescan_form(const uint8_t *p, size_t n, size_t i) {
    uint64_t found = 0;
    const size_t end = n - i < 64 ? n : i + 64;
    size_t here = i;
#if defined(__SSE2__)
    while (here < end && n >= 16) {
        // The last bytes are looked at once more rather than one by one.
        const size_t from = n - here >= 16 ? here : n - 16;
        const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + from));
        const __m128i marks = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('&')), _mm_cmpeq_epi8(v, _mm_set1_epi8('='))),
            _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('%')), _mm_cmpeq_epi8(v, _mm_set1_epi8('+'))));
        const __m128i unusual = _mm_or_si128(
            _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8('"')), _mm_cmpeq_epi8(v, _mm_set1_epi8('\\'))),
            _mm_cmplt_epi8(v, _mm_set1_epi8(0x20)));
        const uint64_t mask = (uint64_t)_mm_movemask_epi8(_mm_or_si128(marks, unusual)) >> (here - from);
        found |= mask << (here - i);
        here = from + 16;
    }
#endif
    for (; here < end; here++) {
        const uint8_t c = p[here];
        if (c == '&' || c == '=' || c == '%' || c == '+' || c == '"' || c == '\\' || c < 0x20 || c >= 0x80) {
            found |= (uint64_t)1 << (here - i);
        }
    }
    return found;
}

/// The value of a hexadecimal digit; 256 for anything else.
static inline unsigned cbytescan_hex_value(uint8_t c) {
    const unsigned digit = (unsigned)c - '0', letter = ((unsigned)c | 0x20) - 'a';
    return digit < 10 ? digit : letter < 6 ? letter + 10 : 256;
}

/// Writes the `n` bytes at `p`, a name or value of a form, to `out` with `%XX` and `+` resolved, and returns how many
/// bytes that makes: at most `n`. `SIZE_MAX` when an escape is cut off or not hexadecimal, unless `lenient`: then the
/// text may not have been escaped at all, `+` stands for itself, and so does `%` without two digits behind it.
/// `*kinds` has bit 0 when the result cannot stand between the quotation marks of JSON as it is, and bit 1 when it
/// holds a byte of 0x80 or above.
static inline size_t cbytescan_decode_form(uint8_t *out, const uint8_t *p, size_t n, int lenient, unsigned *kinds) {
    size_t size = 0, copied = 0, i = 0;
    *kinds = 0;
    for (size_t block = 0; block < n; block += 64) {
        uint64_t marks = cbytescan_form(p, n, block);
        while (marks != 0) {
            const size_t here = block + (size_t)__builtin_ctzll(marks);
            marks &= marks - 1;
            // A digit of the escape before it is no mark, and what has been taken is none either.
            if (here < i) continue;
            uint8_t c = p[here];
            i = here + 1;
            if (c == '+' && !lenient) {
                c = ' ';
            } else if (c == '%') {
                unsigned value = 256;
                if (n - here > 2) value = cbytescan_hex_value(p[here + 1]) << 4 | cbytescan_hex_value(p[here + 2]);
                if (value < 256) {
                    c = (uint8_t)value;
                    i = here + 3;
                } else if (!lenient) {
                    return SIZE_MAX;
                }
            }
            if (c < 0x20 || c == '"' || c == '\\') *kinds |= 1;
            if (c >= 0x80) *kinds |= 3;
            cbytescan_copy(out + size, p + copied, here - copied);
            size += here - copied;
            out[size++] = c;
            copied = i;
        }
    }
    cbytescan_copy(out + size, p + copied, n - copied);
    return size + n - copied;
}

/// Whether the `n` bytes at `p` are, as a whole, a number as JSON writes it, without sign and exponent and of at most
/// 18 characters. `*value` has its digits as a whole number, of which `*decimals` stood behind the point.
static inline int cbytescan_whole_number(const uint8_t *p, size_t n, uint32_t *decimals, uint64_t *value) {
    size_t i = 0;
    uint64_t digits = 0;
    *decimals = 0;
    if (n == 0 || n > 18) return 0;
    while (i < n && (uint8_t)(p[i] - '0') < 10) digits = digits * 10 + (uint64_t)(p[i++] - '0');
    if (i == 0 || (p[0] == '0' && i > 1)) return 0;
    if (i < n) {
        if (p[i++] != '.' || i == n) return 0;
        *decimals = (uint32_t)(n - i);
        while (i < n && (uint8_t)(p[i] - '0') < 10) digits = digits * 10 + (uint64_t)(p[i++] - '0');
        if (i < n) return 0;
    }
    *value = digits;
    return 1;
}

/// Whether the `n` bytes at `p` are 64 hexadecimal digits, the letters in lower case.
static inline int cbytescan_is_hash(const uint8_t *p, size_t n) {
    if (n != 64) return 0;
#if defined(__SSE2__)
    __m128i all = _mm_set1_epi8(-1);
    for (size_t i = 0; i < 64; i += 16) {
        const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
        const __m128i digit = _mm_sub_epi8(v, _mm_set1_epi8('0'));
        const __m128i letter = _mm_sub_epi8(v, _mm_set1_epi8('a'));
        // Unsigned bytes are at most a bound where the lesser of both is themselves.
        const __m128i isDigit = _mm_cmpeq_epi8(_mm_min_epu8(digit, _mm_set1_epi8(9)), digit);
        const __m128i isLetter = _mm_cmpeq_epi8(_mm_min_epu8(letter, _mm_set1_epi8(5)), letter);
        all = _mm_and_si128(all, _mm_or_si128(isDigit, isLetter));
    }
    return _mm_movemask_epi8(all) == 0xFFFF;
#else
    for (size_t i = 0; i < 64; i++) {
        if ((uint8_t)(p[i] - '0') > 9 && (uint8_t)(p[i] - 'a') > 5) return 0;
    }
    return 1;
#endif
}

/// A point in time as it was written; nothing but the digits has been looked at.
typedef struct {
    uint32_t year;
    uint32_t month;
    uint32_t day;
    uint32_t hour;
    uint32_t minute;
    uint32_t second;
    uint32_t millisecond;
    /// 0 when there is none.
    uint32_t found;
} cbytescan_time;

/// Reads `2026-01-02T03:04:05Z` or `2026-01-02T03:04:05.678Z`, which the `n` bytes at `p` must be as a whole.
static inline cbytescan_time cbytescan_find_time(const uint8_t *p, size_t n) {
    cbytescan_time time = {0, 0, 0, 0, 0, 0, 0, 0};
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t a, b, c = 0;
    if (n != 20 && n != 24) return time;
    memcpy(&a, p, 8);
    memcpy(&b, p + 8, 8);
    if (n == 24) {
        memcpy(&c, p + 16, 8);
    } else {
        uint32_t end;
        memcpy(&end, p + 16, 4);
        c = end;
    }
    // First byte lowest. Where a digit belongs, its value is left; where a sign belongs, nothing.
    a ^= 0x2D30302D30303030u;                           // 0000-00-
    b ^= 0x30303A3030543030u;                           // 00T00:00
    c ^= n == 24 ? 0x5A3030302E30303Au : 0x5A30303Au;   // :00.000Z or :00Z
    const uint64_t ten = 0x7676767676767676u, high = 0x8080808080808080u;
    if (((a | (a + ten)) | (b | (b + ten)) | (c | (c + ten))) & high) return time;
    if ((a & 0xFF0000FF00000000u) | (b & 0x0000FF0000FF0000u)) return time;
    if (c & (n == 24 ? 0xFF000000FF0000FFu : 0xFF0000FFu)) return time;
    // Each byte with the one behind it as a number of two digits.
    a = a * 10 + (a >> 8);
    b = b * 10 + (b >> 8);
    const uint64_t pairs = c * 10 + (c >> 8);
    time.year = (uint32_t)(a & 0xFF) * 100 + (uint32_t)(a >> 16 & 0xFF);
    time.month = (uint32_t)(a >> 40 & 0xFF);
    time.day = (uint32_t)(b & 0xFF);
    time.hour = (uint32_t)(b >> 24 & 0xFF);
    time.minute = (uint32_t)(b >> 48 & 0xFF);
    time.second = (uint32_t)(pairs >> 8 & 0xFF);
    if (n == 24) time.millisecond = (uint32_t)(c >> 32 & 0xFF) * 100 + (uint32_t)(pairs >> 40 & 0xFF);
    time.found = 1;
#else
    (void)p;
    (void)n;
#endif
    return time;
}

/// Writes `value` as eight hexadecimal digits, the letters in lower case.
static inline void cbytescan_hex(uint8_t *out, uint32_t value) {
    uint64_t x = value;
    // One digit to a byte, the first one highest.
    x = (x | x << 16) & 0x0000FFFF0000FFFFu;
    x = (x | x << 8) & 0x00FF00FF00FF00FFu;
    x = (x | x << 4) & 0x0F0F0F0F0F0F0F0Fu;
    const uint64_t letters = (x + 0x0606060606060606u) >> 4 & 0x0101010101010101u;
    x += 0x3030303030303030u + letters * ('a' - '0' - 10);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    x = __builtin_bswap64(x);
    memcpy(out, &x, 8);
#else
    for (int i = 0; i < 8; i++) out[i] = (uint8_t)(x >> (56 - 8 * i));
#endif
}

/// Begins to fetch the memory at `p`, which will be written to, without waiting for it.
static inline void cbytescan_prefetch(const void *p) { __builtin_prefetch(p, 1, 3); }
