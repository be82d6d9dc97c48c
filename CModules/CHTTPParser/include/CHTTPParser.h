// Request heads and chunked framing of HTTP/1.x, strictly by RFC 9110 and RFC 9112.
//
// Everything works on the caller's memory: nothing is allocated, nothing is kept, and no byte at
// or behind `data + count` is read. The one global is the pointer to the implementation that suits
// the processor (AVX2 or SSE2 on x86-64, NEON on aarch64, else scalar), chosen at the first call.
//
// A head is read line by line. A line is looked at in two steps: first for its end and for bytes
// that no line may hold, then, once it is complete, for its meaning. So what a head means, and
// which fault is found in it, does not depend on how its bytes arrived, and no byte is looked at
// for a line end twice.
#pragma once

#include <stddef.h>
#include <stdint.h>

// Lines without content tolerated before a request line (RFC 9112, 2.2: "at least one").
#define CHTTP_EMPTY_LINES_MAX 4
// Hexadecimal digits of a chunk size; sixteen fill 64 bits.
#define CHTTP_CHUNK_DIGITS_MAX 16
// Bytes of one chunk's extensions, and of all chunks of a body.
#define CHTTP_CHUNK_EXTENSION_BYTES_MAX 256
#define CHTTP_BODY_EXTENSION_BYTES_MAX 16384
// Bytes of a body's trailer section, line ends included.
#define CHTTP_TRAILER_BYTES_MAX 4096

// What a call came to: 0, 1, or one of the faults below.
#define CHTTP_INCOMPLETE 0
#define CHTTP_COMPLETE 1

// Every fault by its code's name and its stable label. The first is 2.
#define CHTTP_FAULTS(X) \
    X(CONTROL_BYTE, "control_byte") \
    X(BARE_CR, "bare_cr") \
    X(BARE_LF, "bare_lf") \
    X(EMPTY_LINES, "empty_lines") \
    X(METHOD, "method") \
    X(CONNECT, "connect") \
    X(TARGET, "target") \
    X(TARGET_FORM, "target_form") \
    X(TARGET_AUTHORITY, "target_authority") \
    X(VERSION_FORM, "version_form") \
    X(VERSION_UNSUPPORTED, "version_unsupported") \
    X(LINE_FOLDING, "line_folding") \
    X(FIELD_NAME, "field_name") \
    X(FIELD_NAME_SPACE, "field_name_space") \
    X(FIELD_COLON, "field_colon") \
    X(FIELD_LINES, "field_lines") \
    X(FIELD_REPEATED, "field_repeated") \
    X(HOST_MISSING, "host_missing") \
    X(HOST_REPEATED, "host_repeated") \
    X(HOST_INVALID, "host_invalid") \
    X(LENGTH_INVALID, "length_invalid") \
    X(LENGTH_REPEATED, "length_repeated") \
    X(LENGTH_AND_CODING, "length_and_coding") \
    X(CODING_UNSUPPORTED, "coding_unsupported") \
    X(CODING_REPEATED, "coding_repeated") \
    X(CODING_VERSION, "coding_version") \
    X(CONNECTION_INVALID, "connection_invalid") \
    X(EXPECTATION, "expectation") \
    X(CHUNK_SIZE, "chunk_size") \
    X(CHUNK_EXTENSION, "chunk_extension") \
    X(CHUNK_LINE_END, "chunk_line_end") \
    X(BODY_TOO_LARGE, "body_too_large") \
    X(TRAILER, "trailer") \
    X(TRAILER_TOO_LARGE, "trailer_too_large")

enum {
    CHTTP_FAULT_BASE = CHTTP_COMPLETE,
#define CHTTP_FAULT_ENUMERATOR(name, label) CHTTP_##name,
    CHTTP_FAULTS(CHTTP_FAULT_ENUMERATOR)
#undef CHTTP_FAULT_ENUMERATOR
    CHTTP_FAULT_END
};

// The label of a fault, or "" for a code that is none.
const char *chttp_fault_label(uint8_t code);

// Methods by their place in RequestMethod.
enum { CHTTP_GET, CHTTP_HEAD, CHTTP_POST, CHTTP_OPTIONS, CHTTP_OTHER };

// A part of the head: `count` bytes from `start`, counted from the head's first byte.
typedef struct {
    uint32_t start;
    uint32_t count;
} chttp_span;

// A head as far as it has been read. All zero before its first byte; nothing in it points to
// memory, so the bytes may move between calls.
//
// Invariants: 1. `line <= scanned`. 2. bytes `line..<scanned` hold no line end and no byte that is
// forbidden in a line. 3. every line before `line` has been understood and lies before it whole.
typedef struct {
    // How far reading has come.
    uint32_t line;
    uint32_t scanned;
    // Where the first field line begins; 0 until the request line was read.
    uint32_t fields_start;
    // The head's length with its empty last line; 0 until it is complete.
    uint32_t head_bytes;

    uint64_t content_length;
    // One bit per known field, by the order of `fields` and the framing fields behind them.
    uint32_t seen;
    uint16_t field_lines;
    uint8_t empty_lines;
    uint8_t method;
    uint8_t version_minor;
    uint8_t has_length;
    uint8_t chunked;
    uint8_t close;
    uint8_t keep_alive;
    uint8_t expects_continue;
    uint8_t absolute_form;
    uint8_t asterisk;

    chttp_span method_text;
    chttp_span target;
    chttp_span path;
    chttp_span query;
    // Of an absolute-form target.
    chttp_span authority;

    chttp_span host;
    chttp_span authorization;
    chttp_span content_type;
    chttp_span content_encoding;
    chttp_span origin;
    chttp_span user_agent;
    chttp_span referrer;
    chttp_span accept;
    chttp_span data_source_uuid;
    chttp_span access_control_request_method;
    chttp_span access_control_request_headers;
} chttp_head;

// Reads on. `data` begins at the head's first byte in every call and holds all bytes so far.
// `count` is at most UINT32_MAX. Returns CHTTP_INCOMPLETE, CHTTP_COMPLETE or a fault.
uint8_t chttp_read_head(chttp_head *head, const uint8_t *data, size_t count, uint32_t field_lines_max);

// Finds the first field with a name (given in lower case) in a head that is complete. Returns
// whether there is one; its value without surrounding white space goes to `value`.
int chttp_find_field(
    const chttp_head *head, const uint8_t *data, const uint8_t *name, size_t name_count,
    chttp_span *value);

// Whether the bytes may stand in a field value: HTAB, SP, VCHAR, obs-text.
int chttp_is_field_value(const uint8_t *data, size_t count);

// The implementations, for tests that compare them.
enum { CHTTP_SCALAR, CHTTP_SSE2, CHTTP_AVX2, CHTTP_NEON, CHTTP_IMPLEMENTATIONS };
int chttp_implementation_available(int implementation);
uint8_t chttp_read_head_with(
    int implementation, chttp_head *head, const uint8_t *data, size_t count, uint32_t field_lines_max);

// A chunked body as far as it has been decoded. All zero before its first byte, but for
// `body_bytes_max`, which the caller sets.
typedef struct {
    uint64_t body_bytes_max;
    // Decoded so far.
    uint64_t body_bytes;
    // The size being read, then what is still missing of the chunk.
    uint64_t chunk_bytes;
    uint32_t extension_bytes;
    uint32_t body_extension_bytes;
    uint32_t trailer_bytes;
    uint8_t digits;
    uint8_t state;
} chttp_chunked;

// Decodes `count` bytes at `input` and moves the content to `output`, which may be `input` itself or
// lie before it in the same memory. Says how many bytes it took and how many it wrote. Takes all
// of them unless it returns CHTTP_COMPLETE (bytes behind the body are left) or a fault.
uint8_t chttp_decode_chunked(
    chttp_chunked *body, uint8_t *output, const uint8_t *input, size_t count, size_t *taken,
    size_t *written);
