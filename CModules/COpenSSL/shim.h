#pragma once
// For SHA256_*, see below.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/sha.h>
#include <stddef.h>

/// Writes the 32 bytes of the SHA-256 of a message. 1, or 0 on failure.
///
/// By the low-level functions, which OpenSSL 3.0 deprecates: its EVP_DigestInit_ex2 allocates a
/// context of the provider for every message, even when the caller's context is used again, and this
/// runs once for each personal value of each event.
static inline int copenssl_sha256(const unsigned char *message, size_t count, unsigned char *digest) {
    SHA256_CTX context;
    return SHA256_Init(&context) == 1 && SHA256_Update(&context, message, count) == 1
        && SHA256_Final(digest, &context) == 1;
}

/// A context for HMAC-SHA256 under a key, ready for the first message; NULL when libcrypto has no
/// such algorithm or no memory. The caller frees it with EVP_MAC_CTX_free.
///
/// In C because the parameter list needs the address of a mutable string.
static inline EVP_MAC_CTX *copenssl_hmac_sha256(const unsigned char *key, size_t count) {
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    if (mac == NULL) return NULL;
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    // The context keeps the algorithm alive by itself.
    EVP_MAC_free(mac);
    if (context != NULL && EVP_MAC_init(context, key, count, parameters) != 1) {
        EVP_MAC_CTX_free(context);
        return NULL;
    }
    return context;
}
