#include "CHTTPBytes.h"

#include "CHTTPParser.h"

// Digits, and letters that are hexadecimal digits, and letters that are not.
#define D (CHTTP_TOKEN | CHTTP_REG_NAME | CHTTP_HEX | CHTTP_FIELD)
#define A (CHTTP_TOKEN | CHTTP_REG_NAME | CHTTP_FIELD)
// Marks: in tokens and names, in tokens only, in names only, in neither.
#define M (CHTTP_TOKEN | CHTTP_REG_NAME | CHTTP_FIELD)
#define T (CHTTP_TOKEN | CHTTP_FIELD)
#define R (CHTTP_REG_NAME | CHTTP_FIELD)
#define F CHTTP_FIELD

const uint8_t chttp_classes[256] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, F, 0, 0, 0, 0, 0, 0,  // control bytes, of which HTAB may stand in values
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  //
    F, M, F, T, M, T, M, M, R, R, M, M, R, M, M, F,  // SP ! " # $ % & ' ( ) * + , - . /
    D, D, D, D, D, D, D, D, D, D, F, R, F, R, F, F,  // 0-9 : ; < = > ?
    F, D, D, D, D, D, D, A, A, A, A, A, A, A, A, A,  // @ A-O
    A, A, A, A, A, A, A, A, A, A, A, F, F, F, T, M,  // P-Z [ \ ] ^ _
    T, D, D, D, D, D, D, A, A, A, A, A, A, A, A, A,  // ` a-o
    A, A, A, A, A, A, A, A, A, A, A, F, T, F, M, 0,  // p-z { | } ~ DEL
    F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,  // obs-text
    F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,  //
    F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,  //
    F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,  //
    F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,  //
    F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,  //
    F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,  //
    F, F, F, F, F, F, F, F, F, F, F, F, F, F, F, F,
};

#undef D
#undef A
#undef M
#undef T
#undef R
#undef F

int chttp_is_field_value(const uint8_t *data, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!chttp_is(data[i], CHTTP_FIELD)) return 0;
    }
    return 1;
}

static int is_port(const uint8_t *bytes, size_t count) {
    uint32_t value = 0;
    if (count > 5) return 0;
    for (size_t i = 0; i < count; i++) {
        if (!chttp_is_digit(bytes[i])) return 0;
        value = value * 10 + (uint32_t)(bytes[i] - '0');
    }
    return value <= 65535;
}

// The place behind an IPv6 literal in brackets, or 0. The address is checked for its bytes only:
// nobody here connects to it.
static size_t literal_end(const uint8_t *bytes, size_t count) {
    size_t at = 1;
    while (at < count && (chttp_is(bytes[at], CHTTP_HEX) || bytes[at] == ':' || bytes[at] == '.')) at++;
    return at > 2 && at < count && bytes[at] == ']' ? at + 1 : 0;
}

// The place behind a registered name or an IPv4 address, or 0.
static size_t name_end(const uint8_t *bytes, size_t count) {
    size_t at = 0;
    while (at < count && bytes[at] != ':') {
        if (bytes[at] == '%') {
            if (count - at < 3 || !chttp_is(bytes[at + 1], CHTTP_HEX) || !chttp_is(bytes[at + 2], CHTTP_HEX))
                return 0;
            at += 3;
        } else if (chttp_is(bytes[at], CHTTP_REG_NAME)) {
            at++;
        } else {
            return 0;
        }
    }
    return at;
}

int chttp_is_authority(const uint8_t *bytes, size_t count) {
    if (count == 0) return 0;
    size_t at = bytes[0] == '[' ? literal_end(bytes, count) : name_end(bytes, count);
    if (at == 0) return 0;
    if (at == count) return 1;
    return bytes[at] == ':' && is_port(bytes + at + 1, count - at - 1);
}
