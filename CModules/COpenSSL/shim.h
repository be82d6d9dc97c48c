#pragma once
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stddef.h>

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
