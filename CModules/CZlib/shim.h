#pragma once
#include <zlib.h>

// zlib's init functions are macros that pass the version and size of the header compiled against,
// which Swift cannot import.

/// Bit 4 of a window size asks for gzip framing instead of zlib's (zlib.h, deflateInit2).
enum { czlib_window_zlib = 15, czlib_window_gzip = 15 + 16 };

static inline int czlib_deflate_init(z_stream *stream, int level, int window_bits) {
    return deflateInit2(stream, level, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY);
}

static inline int czlib_inflate_init(z_stream *stream, int window_bits) {
    return inflateInit2(stream, window_bits);
}
