// The chunked transfer coding, RFC 9112, 7.1, byte by byte but for the content itself.
//
//   size -> (extension) -> line end -> content -> line end -> size ...
//   size 0 -> line end -> trailer lines -> empty line -> done

#include "CHTTPBytes.h"
#include "CHTTPParser.h"

enum {
    SIZE,             // hexadecimal digits, at least one
    SIZE_SPACE,       // white space behind them, which only an extension may follow
    EXTENSION,        // from ';' to the line's end
    SIZE_LF,          // CR was seen
    CONTENT,          // chunk_bytes are missing
    CONTENT_CR,       // the content is complete
    CONTENT_LF,       //
    TRAILER_START,    // at the start of a trailer line, or of the empty line
    TRAILER_NAME,     //
    TRAILER_VALUE,    //
    TRAILER_LF,       // CR was seen behind a trailer
    END_LF,           // CR was seen at the start of a line
    DONE,
};

static int hex_value(uint8_t byte) {
    if (chttp_is_digit(byte)) return byte - '0';
    uint8_t letter = (uint8_t)((byte | 0x20) - 'a');
    return letter < 6 ? letter + 10 : -1;
}

static uint8_t step_size(chttp_chunked *body, uint8_t byte) {
    int value = hex_value(byte);
    if (value >= 0) {
        if (++body->digits > CHTTP_CHUNK_DIGITS_MAX) return CHTTP_CHUNK_SIZE;
        body->chunk_bytes = body->chunk_bytes << 4 | (uint64_t)value;
        return 0;
    }
    if (body->digits == 0) return CHTTP_CHUNK_SIZE;
    switch (byte) {
    case '\r': body->state = SIZE_LF; return 0;
    case ';': body->state = EXTENSION; return 0;
    case ' ':
    case '\t': body->state = SIZE_SPACE; return 0;
    case '\n': return CHTTP_CHUNK_LINE_END;
    default: return CHTTP_CHUNK_SIZE;
    }
}

static uint8_t step_extension(chttp_chunked *body, uint8_t byte) {
    if (byte == '\r' && body->state == EXTENSION) {
        body->state = SIZE_LF;
        return 0;
    }
    if (!chttp_is(byte, CHTTP_FIELD)) {
        if (body->state == SIZE_SPACE) return CHTTP_CHUNK_SIZE;
        return byte == '\n' ? CHTTP_CHUNK_LINE_END : CHTTP_CHUNK_EXTENSION;
    }
    if (++body->extension_bytes > CHTTP_CHUNK_EXTENSION_BYTES_MAX ||
        ++body->body_extension_bytes > CHTTP_BODY_EXTENSION_BYTES_MAX)
        return CHTTP_CHUNK_EXTENSION;
    if (body->state == SIZE_SPACE && byte != ' ' && byte != '\t') {
        if (byte != ';') return CHTTP_CHUNK_SIZE;
        body->state = EXTENSION;
    }
    return 0;
}

static uint8_t end_size(chttp_chunked *body, uint8_t byte) {
    if (byte != '\n') return CHTTP_CHUNK_LINE_END;
    if (body->chunk_bytes > body->body_bytes_max - body->body_bytes) return CHTTP_BODY_TOO_LARGE;
    body->state = body->chunk_bytes == 0 ? TRAILER_START : CONTENT;
    body->digits = 0;
    body->extension_bytes = 0;
    return 0;
}

static uint8_t step_trailer(chttp_chunked *body, uint8_t byte) {
    if (++body->trailer_bytes > CHTTP_TRAILER_BYTES_MAX) return CHTTP_TRAILER_TOO_LARGE;
    switch (body->state) {
    case TRAILER_START:
        if (byte == '\r') {
            body->state = END_LF;
            return 0;
        }
        if (!chttp_is(byte, CHTTP_TOKEN)) return CHTTP_TRAILER;
        body->state = TRAILER_NAME;
        return 0;
    case TRAILER_NAME:
        if (byte == ':') {
            body->state = TRAILER_VALUE;
            return 0;
        }
        return chttp_is(byte, CHTTP_TOKEN) ? 0 : CHTTP_TRAILER;
    case TRAILER_VALUE:
        if (byte == '\r') {
            body->state = TRAILER_LF;
            return 0;
        }
        return chttp_is(byte, CHTTP_FIELD) ? 0 : CHTTP_TRAILER;
    default:
        if (byte != '\n') return CHTTP_TRAILER;
        body->state = body->state == END_LF ? DONE : TRAILER_START;
        return 0;
    }
}

static uint8_t step(chttp_chunked *body, uint8_t byte) {
    switch (body->state) {
    case SIZE: return step_size(body, byte);
    case SIZE_SPACE:
    case EXTENSION: return step_extension(body, byte);
    case SIZE_LF: return end_size(body, byte);
    case CONTENT_CR:
        body->state = CONTENT_LF;
        return byte == '\r' ? 0 : CHTTP_CHUNK_LINE_END;
    case CONTENT_LF:
        body->state = SIZE;
        return byte == '\n' ? 0 : CHTTP_CHUNK_LINE_END;
    default: return step_trailer(body, byte);
    }
}

uint8_t chttp_decode_chunked(
    chttp_chunked *body, uint8_t *output, const uint8_t *input, size_t count, size_t *taken,
    size_t *written) {
    const uint8_t *at = input, *end = input + count;
    uint8_t *out = output;
    uint8_t fault = 0;
    while (at < end && body->state != DONE && fault == 0) {
        if (body->state == CONTENT) {
            size_t available = (size_t)(end - at);
            size_t amount = body->chunk_bytes < available ? (size_t)body->chunk_bytes : available;
            if (out != at) memmove(out, at, amount);
            out += amount;
            at += amount;
            body->body_bytes += amount;
            body->chunk_bytes -= amount;
            if (body->chunk_bytes == 0) body->state = CONTENT_CR;
        } else {
            fault = step(body, *at);
            at++;
        }
    }
    *taken = (size_t)(at - input);
    *written = (size_t)(out - output);
    if (fault != 0) return fault;
    return body->state == DONE ? CHTTP_COMPLETE : CHTTP_INCOMPLETE;
}
