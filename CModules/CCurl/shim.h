// Typed doors to the parts of libcurl that delivery uses: curl_easy_setopt, curl_multi_setopt and
// curl_easy_getinfo are variadic and take a different type for each option, which C cannot check
// across a call from Swift. One function per option, with the type the manual names.
#pragma once

#include <curl/curl.h>

#define CCURL_EASY(name, option, type)                                                             \
    static inline CURLcode ccurl_set_##name(CURL *_Nonnull easy, type value) {                     \
        return curl_easy_setopt(easy, option, value);                                              \
    }

CCURL_EASY(url, CURLOPT_URL, const char *_Nullable)
CCURL_EASY(parsed_url, CURLOPT_CURLU, CURLU *_Nullable)
CCURL_EASY(user_agent, CURLOPT_USERAGENT, const char *_Nonnull)
CCURL_EASY(proxy, CURLOPT_PROXY, const char *_Nonnull)
CCURL_EASY(no_proxy, CURLOPT_NOPROXY, const char *_Nonnull)
CCURL_EASY(ca_file, CURLOPT_CAINFO, const char *_Nonnull)
CCURL_EASY(protocols, CURLOPT_PROTOCOLS_STR, const char *_Nonnull)
CCURL_EASY(error_buffer, CURLOPT_ERRORBUFFER, char *_Nonnull)
CCURL_EASY(headers, CURLOPT_HTTPHEADER, struct curl_slist *_Nullable)
CCURL_EASY(private, CURLOPT_PRIVATE, void *_Nullable)
CCURL_EASY(post_fields, CURLOPT_POSTFIELDS, const void *_Nullable)
CCURL_EASY(post_field_size, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t)
CCURL_EASY(post, CURLOPT_POST, long)
CCURL_EASY(http_get, CURLOPT_HTTPGET, long)
CCURL_EASY(no_signal, CURLOPT_NOSIGNAL, long)
CCURL_EASY(quick_exit, CURLOPT_QUICK_EXIT, long)
CCURL_EASY(verify_peer, CURLOPT_SSL_VERIFYPEER, long)
CCURL_EASY(verify_host, CURLOPT_SSL_VERIFYHOST, long)
CCURL_EASY(http_version, CURLOPT_HTTP_VERSION, long)
CCURL_EASY(pipe_wait, CURLOPT_PIPEWAIT, long)
CCURL_EASY(fresh_connect, CURLOPT_FRESH_CONNECT, long)
CCURL_EASY(forbid_reuse, CURLOPT_FORBID_REUSE, long)
CCURL_EASY(follow_location, CURLOPT_FOLLOWLOCATION, long)
CCURL_EASY(connect_timeout_milliseconds, CURLOPT_CONNECTTIMEOUT_MS, long)
CCURL_EASY(timeout_milliseconds, CURLOPT_TIMEOUT_MS, long)
CCURL_EASY(low_speed_limit, CURLOPT_LOW_SPEED_LIMIT, long)
CCURL_EASY(low_speed_time, CURLOPT_LOW_SPEED_TIME, long)
CCURL_EASY(tcp_keepalive, CURLOPT_TCP_KEEPALIVE, long)
CCURL_EASY(tcp_nodelay, CURLOPT_TCP_NODELAY, long)
CCURL_EASY(write_function, CURLOPT_WRITEFUNCTION, curl_write_callback _Nonnull)
CCURL_EASY(write_data, CURLOPT_WRITEDATA, void *_Nullable)
CCURL_EASY(socket_option_function, CURLOPT_SOCKOPTFUNCTION, curl_sockopt_callback _Nonnull)
CCURL_EASY(socket_option_data, CURLOPT_SOCKOPTDATA, void *_Nullable)
CCURL_EASY(close_socket_function, CURLOPT_CLOSESOCKETFUNCTION, curl_closesocket_callback _Nonnull)
CCURL_EASY(close_socket_data, CURLOPT_CLOSESOCKETDATA, void *_Nullable)

#undef CCURL_EASY

#define CCURL_MULTI(name, option, type)                                                            \
    static inline CURLMcode ccurl_multi_set_##name(CURLM *_Nonnull multi, type value) {            \
        return curl_multi_setopt(multi, option, value);                                            \
    }

CCURL_MULTI(socket_function, CURLMOPT_SOCKETFUNCTION, curl_socket_callback _Nullable)
CCURL_MULTI(socket_data, CURLMOPT_SOCKETDATA, void *_Nullable)
CCURL_MULTI(timer_function, CURLMOPT_TIMERFUNCTION, curl_multi_timer_callback _Nullable)
CCURL_MULTI(timer_data, CURLMOPT_TIMERDATA, void *_Nullable)
CCURL_MULTI(pipelining, CURLMOPT_PIPELINING, long)
CCURL_MULTI(connections_max, CURLMOPT_MAXCONNECTS, long)
CCURL_MULTI(host_connections_max, CURLMOPT_MAX_HOST_CONNECTIONS, long)

#undef CCURL_MULTI

#define CCURL_INFO(name, info, type, zero)                                                         \
    static inline type ccurl_get_##name(CURL *_Nonnull easy) {                                     \
        type value = zero;                                                                         \
        curl_easy_getinfo(easy, info, &value);                                                     \
        return value;                                                                              \
    }

CCURL_INFO(response_code, CURLINFO_RESPONSE_CODE, long, 0)
CCURL_INFO(new_connections, CURLINFO_NUM_CONNECTS, long, 0)
CCURL_INFO(http_version, CURLINFO_HTTP_VERSION, long, 0)
CCURL_INFO(total_microseconds, CURLINFO_TOTAL_TIME_T, curl_off_t, 0)
CCURL_INFO(uploaded_bytes, CURLINFO_SIZE_UPLOAD_T, curl_off_t, 0)
CCURL_INFO(request_size, CURLINFO_REQUEST_SIZE, long, 0)

#undef CCURL_INFO

static inline void *_Nullable ccurl_get_private(CURL *_Nonnull easy) {
    char *value = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value);
    return value;
}

// The value of the first header with this name, in any case, of the last answer; NULL when there is none. It stays
// until the handle's next transfer or the next call.
static inline const char *_Nullable ccurl_get_header(CURL *_Nonnull easy, const char *_Nonnull name) {
    struct curl_header *header = NULL;
    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? header->value : NULL;
}

// The next finished transfer: its handle, or NULL when there is none; `result` says how it ended.
static inline CURL *_Nullable ccurl_next_done(CURLM *_Nonnull multi, CURLcode *_Nonnull result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            *result = message->data.result;
            return message->easy_handle;
        }
    }
    return NULL;
}

// Casts in macros do not reach Swift.
static inline curl_socket_t ccurl_socket_timeout(void) { return CURL_SOCKET_TIMEOUT; }
static inline int ccurl_socket_option_ok(void) { return CURL_SOCKOPT_OK; }
static inline long ccurl_global_default(void) { return CURL_GLOBAL_DEFAULT; }
static inline long ccurl_http_version_2tls(void) { return CURL_HTTP_VERSION_2TLS; }
static inline long ccurl_http_version_1_1(void) { return CURL_HTTP_VERSION_1_1; }
static inline long ccurl_http_version_2_0(void) { return CURL_HTTP_VERSION_2_0; }
static inline long ccurl_pipe_multiplex(void) { return CURLPIPE_MULTIPLEX; }
static inline int ccurl_error_size(void) { return CURL_ERROR_SIZE; }
