// Sets of bytes, and comparisons that know them.
#pragma once

#include <stdint.h>
#include <string.h>

enum {
    CHTTP_TOKEN = 1,     // tchar, RFC 9110, 5.6.2
    CHTTP_REG_NAME = 2,  // reg-name without pct-encoded, RFC 3986, 3.2.2
    CHTTP_HEX = 4,
    CHTTP_FIELD = 8,  // field-vchar, SP, HTAB, RFC 9110, 5.5
};

extern const uint8_t chttp_classes[256];

static inline int chttp_is(uint8_t byte, uint8_t class) { return chttp_classes[byte] & class; }

static inline int chttp_is_digit(uint8_t byte) { return (uint8_t)(byte - '0') < 10; }

// Whether `count` bytes equal a lower-case text of letters and hyphens, whatever their case. Setting
// bit 5 maps exactly A-Z onto a-z; what it maps onto a hyphen besides the hyphen is CR, which
// neither a token nor a field value holds.
static inline int chttp_equals_folded(const uint8_t *bytes, const char *lowercase, size_t count) {
    uint8_t difference = 0;
    for (size_t i = 0; i < count; i++) difference |= (uint8_t)((bytes[i] | 0x20) ^ (uint8_t)lowercase[i]);
    return difference == 0;
}

// Whether the bytes are `uri-host [ ":" port ]` with a host that is not empty (RFC 9110, 4.2.1: an
// empty host "MUST" be rejected) and a port of at most 65535.
int chttp_is_authority(const uint8_t *bytes, size_t count);
