// The head reader, over the four scans of one instruction set. Included by CHTTPHead.c only, once
// per instruction set, with CHTTP_FN naming the functions.

#ifndef CHTTP_HEAD_READER_COMMON
#define CHTTP_HEAD_READER_COMMON

static inline chttp_span chttp_span_of(const uint8_t *data, const uint8_t *start, const uint8_t *stop) {
    return (chttp_span){(uint32_t)(start - data), (uint32_t)(stop - start)};
}

static inline chttp_span chttp_trimmed(const uint8_t *data, const uint8_t *start, const uint8_t *stop) {
    while (start < stop && (*start == ' ' || *start == '\t')) start++;
    while (stop > start && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
    return chttp_span_of(data, start, stop);
}

// The fields the gateway knows. Those before CHTTP_FIELD_CONTENT_LENGTH are kept as spans.
enum {
    CHTTP_FIELD_HOST,
    CHTTP_FIELD_AUTHORIZATION,
    CHTTP_FIELD_CONTENT_TYPE,
    CHTTP_FIELD_CONTENT_ENCODING,
    CHTTP_FIELD_ORIGIN,
    CHTTP_FIELD_USER_AGENT,
    CHTTP_FIELD_REFERRER,
    CHTTP_FIELD_ACCEPT,
    CHTTP_FIELD_DATA_SOURCE_UUID,
    CHTTP_FIELD_REQUEST_METHOD,
    CHTTP_FIELD_REQUEST_HEADERS,
    CHTTP_FIELD_CONTENT_LENGTH,
    CHTTP_FIELD_TRANSFER_ENCODING,
    CHTTP_FIELD_CONNECTION,
    CHTTP_FIELD_EXPECT,
    CHTTP_FIELD_UNKNOWN,
};

static inline int chttp_known_field(const uint8_t *name, size_t count) {
#define CHTTP_IF(text, field) \
    if (chttp_equals_folded(name, text, sizeof(text) - 1)) return field
    switch (count) {
    case 4: CHTTP_IF("host", CHTTP_FIELD_HOST); break;
    case 6:
        CHTTP_IF("accept", CHTTP_FIELD_ACCEPT);
        CHTTP_IF("origin", CHTTP_FIELD_ORIGIN);
        CHTTP_IF("expect", CHTTP_FIELD_EXPECT);
        break;
    case 7: CHTTP_IF("referer", CHTTP_FIELD_REFERRER); break;
    case 10:
        CHTTP_IF("user-agent", CHTTP_FIELD_USER_AGENT);
        CHTTP_IF("connection", CHTTP_FIELD_CONNECTION);
        break;
    case 12: CHTTP_IF("content-type", CHTTP_FIELD_CONTENT_TYPE); break;
    case 13: CHTTP_IF("authorization", CHTTP_FIELD_AUTHORIZATION); break;
    case 14: CHTTP_IF("content-length", CHTTP_FIELD_CONTENT_LENGTH); break;
    case 16:
        CHTTP_IF("content-encoding", CHTTP_FIELD_CONTENT_ENCODING);
        CHTTP_IF("data-source-uuid", CHTTP_FIELD_DATA_SOURCE_UUID);
        break;
    case 17: CHTTP_IF("transfer-encoding", CHTTP_FIELD_TRANSFER_ENCODING); break;
    case 29: CHTTP_IF("access-control-request-method", CHTTP_FIELD_REQUEST_METHOD); break;
    case 30: CHTTP_IF("access-control-request-headers", CHTTP_FIELD_REQUEST_HEADERS); break;
    default: break;
    }
#undef CHTTP_IF
    return CHTTP_FIELD_UNKNOWN;
}

// A field whose second line would contradict the first: to take either is to guess.
static inline uint8_t chttp_keep_single(chttp_head *head, int field, chttp_span *place, chttp_span value) {
    if (head->seen & (1u << field)) return CHTTP_FIELD_REPEATED;
    head->seen |= 1u << field;
    *place = value;
    return 0;
}

// A field that informs only: its first line is kept.
static inline uint8_t chttp_keep_first(chttp_head *head, int field, chttp_span *place, chttp_span value) {
    if (!(head->seen & (1u << field))) *place = value;
    head->seen |= 1u << field;
    return 0;
}

static inline uint8_t chttp_take_host(chttp_head *head, const uint8_t *data, chttp_span value) {
    if (head->seen & (1u << CHTTP_FIELD_HOST)) return CHTTP_HOST_REPEATED;
    head->seen |= 1u << CHTTP_FIELD_HOST;
    if (!chttp_is_authority(data + value.start, value.count)) return CHTTP_HOST_INVALID;
    head->host = value;
    return 0;
}

// RFC 9112, 6.3: a list of lengths, even of equal ones, may be refused; here it is.
static inline uint8_t chttp_take_length(chttp_head *head, const uint8_t *text, uint32_t count) {
    uint64_t length = 0;
    if (head->has_length) return CHTTP_LENGTH_REPEATED;
    if (count == 0) return CHTTP_LENGTH_INVALID;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t digit = (uint8_t)(text[i] - '0');
        if (digit > 9 || length > ((uint64_t)INT64_MAX - digit) / 10) return CHTTP_LENGTH_INVALID;
        length = length * 10 + digit;
    }
    head->has_length = 1;
    head->content_length = length;
    return 0;
}

static inline uint8_t chttp_take_coding(chttp_head *head, const uint8_t *text, uint32_t count) {
    if (head->chunked) return CHTTP_CODING_REPEATED;
    // RFC 9112, 6.1: a server "MUST treat a message with Transfer-Encoding in HTTP/1.0 as faulty".
    if (head->version_minor == 0) return CHTTP_CODING_VERSION;
    if (count != 7 || !chttp_equals_folded(text, "chunked", 7)) return CHTTP_CODING_UNSUPPORTED;
    head->chunked = 1;
    return 0;
}

static inline uint8_t chttp_take_connection(chttp_head *head, const uint8_t *at, const uint8_t *stop) {
    while (at < stop) {
        while (at < stop && (*at == ' ' || *at == '\t' || *at == ',')) at++;
        const uint8_t *option = at;
        while (at < stop && chttp_is(*at, CHTTP_TOKEN)) at++;
        size_t count = (size_t)(at - option);
        if (count == 5 && chttp_equals_folded(option, "close", 5)) head->close = 1;
        if (count == 10 && chttp_equals_folded(option, "keep-alive", 10)) head->keep_alive = 1;
        while (at < stop && (*at == ' ' || *at == '\t')) at++;
        if (at < stop && *at != ',') return CHTTP_CONNECTION_INVALID;
    }
    return 0;
}

static inline uint8_t chttp_take_expectation(chttp_head *head, const uint8_t *text, uint32_t count) {
    // "100-continue" holds digits, which setting bit 5 leaves as they are (0x10 to 0x19 are no
    // field bytes).
    if (count != 12 || !chttp_equals_folded(text, "100-continue", 12)) return CHTTP_EXPECTATION;
    // RFC 9110, 10.1.1: a 100-continue expectation in an HTTP/1.0 request is ignored.
    head->expects_continue = head->version_minor == 1;
    return 0;
}

static inline uint8_t chttp_take_field(
    chttp_head *head, const uint8_t *data, int field, chttp_span value) {
    const uint8_t *text = data + value.start;
    switch (field) {
    case CHTTP_FIELD_HOST: return chttp_take_host(head, data, value);
    case CHTTP_FIELD_CONTENT_LENGTH: return chttp_take_length(head, text, value.count);
    case CHTTP_FIELD_TRANSFER_ENCODING: return chttp_take_coding(head, text, value.count);
    case CHTTP_FIELD_CONNECTION: return chttp_take_connection(head, text, text + value.count);
    case CHTTP_FIELD_EXPECT: return chttp_take_expectation(head, text, value.count);
    case CHTTP_FIELD_AUTHORIZATION: return chttp_keep_single(head, field, &head->authorization, value);
    case CHTTP_FIELD_CONTENT_TYPE: return chttp_keep_single(head, field, &head->content_type, value);
    case CHTTP_FIELD_CONTENT_ENCODING: return chttp_keep_single(head, field, &head->content_encoding, value);
    case CHTTP_FIELD_ORIGIN: return chttp_keep_single(head, field, &head->origin, value);
    case CHTTP_FIELD_DATA_SOURCE_UUID: return chttp_keep_single(head, field, &head->data_source_uuid, value);
    case CHTTP_FIELD_REQUEST_METHOD:
        return chttp_keep_single(head, field, &head->access_control_request_method, value);
    case CHTTP_FIELD_REQUEST_HEADERS:
        return chttp_keep_first(head, field, &head->access_control_request_headers, value);
    case CHTTP_FIELD_USER_AGENT: return chttp_keep_first(head, field, &head->user_agent, value);
    case CHTTP_FIELD_REFERRER: return chttp_keep_first(head, field, &head->referrer, value);
    case CHTTP_FIELD_ACCEPT: return chttp_keep_first(head, field, &head->accept, value);
    default: return 0;
    }
}

static inline uint8_t chttp_known_method(const uint8_t *text, size_t count) {
    if (count == 4 && memcmp(text, "POST", 4) == 0) return CHTTP_POST;
    if (count == 3 && memcmp(text, "GET", 3) == 0) return CHTTP_GET;
    if (count == 7 && memcmp(text, "OPTIONS", 7) == 0) return CHTTP_OPTIONS;
    if (count == 4 && memcmp(text, "HEAD", 4) == 0) return CHTTP_HEAD;
    return CHTTP_OTHER;
}

static inline uint8_t chttp_take_version(chttp_head *head, const uint8_t *text, size_t count) {
    if (count != 8 || memcmp(text, "HTTP/", 5) != 0 || !chttp_is_digit(text[5]) || text[6] != '.' ||
        !chttp_is_digit(text[7]))
        return CHTTP_VERSION_FORM;
    if (text[5] != '1' || text[7] > '1') return CHTTP_VERSION_UNSUPPORTED;
    head->version_minor = (uint8_t)(text[7] - '0');
    return 0;
}

// The length of `http://` or `https://` at the start of a target, or 0.
static inline size_t chttp_scheme_length(const uint8_t *text, size_t count) {
    // Setting bit 5 maps only itself onto ':' and onto '/' (0x1A and 0x0F are no target bytes).
    if (count >= 7 && chttp_equals_folded(text, "http://", 7)) return 7;
    if (count >= 8 && chttp_equals_folded(text, "https://", 8)) return 8;
    return 0;
}

// Tells the forms of RFC 9112, 3.2 apart. `question` is the first '?' of the target, or `stop`.
static inline uint8_t chttp_take_target(
    chttp_head *head, const uint8_t *data, const uint8_t *target, const uint8_t *question,
    const uint8_t *stop) {
    size_t count = (size_t)(stop - target);
    const uint8_t *path = target;
    head->target = chttp_span_of(data, target, stop);
    if (*target != '/') {
        if (count == 1 && *target == '*') {
            if (head->method != CHTTP_OPTIONS) return CHTTP_TARGET_FORM;
            head->asterisk = 1;
        } else {
            size_t scheme = chttp_scheme_length(target, count);
            if (scheme == 0) return CHTTP_TARGET_FORM;
            const uint8_t *authority = target + scheme;
            path = authority;
            while (path < question && *path != '/') path++;
            if (!chttp_is_authority(authority, (size_t)(path - authority))) return CHTTP_TARGET_AUTHORITY;
            head->authority = chttp_span_of(data, authority, path);
            head->absolute_form = 1;
            // RFC 9112, 3.2.4: OPTIONS for an absolute target without path and query means "*".
            if (path == stop && head->method == CHTTP_OPTIONS) head->asterisk = 1;
        }
    }
    head->path = chttp_span_of(data, path, question);
    if (question < stop) head->query = chttp_span_of(data, question + 1, stop);
    return 0;
}

// What can be said only once all fields are known.
static inline uint8_t chttp_finish_head(chttp_head *head) {
    if (head->version_minor == 1 && !(head->seen & (1u << CHTTP_FIELD_HOST))) return CHTTP_HOST_MISSING;
    if (head->chunked && head->has_length) return CHTTP_LENGTH_AND_CODING;
    head->head_bytes = head->line;
    return CHTTP_COMPLETE;
}

#endif

static inline uint8_t CHTTP_FN(read_request_line)(
    chttp_head *head, const uint8_t *data, const uint8_t *line, const uint8_t *stop, const uint8_t *end) {
    const uint8_t *method_end = CHTTP_FN(token_end)(line, end);
    if (method_end == line || *method_end != ' ') return CHTTP_METHOD;
    head->method_text = chttp_span_of(data, line, method_end);
    head->method = chttp_known_method(line, head->method_text.count);
    if (head->method_text.count == 7 && memcmp(line, "CONNECT", 7) == 0) return CHTTP_CONNECT;

    const uint8_t *target = method_end + 1;
    const uint8_t *question = NULL;
    // The line's CR is no target byte, so these scans end within the line.
    const uint8_t *target_end = CHTTP_FN(target_end)(target, end);
    if (*target_end == '?') {
        question = target_end;
        target_end = CHTTP_FN(query_end)(question + 1, end);
    }
    if (target_end == target || (*target_end != ' ' && *target_end != '\r')) return CHTTP_TARGET;
    // Taken also where the version is missing or wrong: the refusal is worded by the path.
    uint8_t target_fault =
        chttp_take_target(head, data, target, question == NULL ? target_end : question, target_end);
    if (*target_end == '\r') return CHTTP_VERSION_FORM;

    const uint8_t *version = target_end + 1;
    uint8_t fault = chttp_take_version(head, version, (size_t)(stop - version));
    return fault != 0 ? fault : target_fault;
}

static inline uint8_t CHTTP_FN(read_field_line)(
    chttp_head *head, const uint8_t *data, const uint8_t *line, const uint8_t *stop, const uint8_t *end,
    uint32_t field_lines_max) {
    if (*line == ' ' || *line == '\t') return CHTTP_LINE_FOLDING;
    // The line's CR is no token byte, so this scan ends within the line.
    const uint8_t *colon = CHTTP_FN(token_end)(line, end);
    if (*colon != ':') {
        if (colon == stop) return CHTTP_FIELD_COLON;
        return *colon == ' ' || *colon == '\t' ? CHTTP_FIELD_NAME_SPACE : CHTTP_FIELD_NAME;
    }
    if (colon == line) return CHTTP_FIELD_NAME;
    if (head->field_lines >= field_lines_max) return CHTTP_FIELD_LINES;
    head->field_lines++;
    int field = chttp_known_field(line, (size_t)(colon - line));
    if (field == CHTTP_FIELD_UNKNOWN) return 0;
    return chttp_take_field(head, data, field, chttp_trimmed(data, colon + 1, stop));
}

static uint8_t CHTTP_FN(read_head)(
    chttp_head *head, const uint8_t *data, size_t count, uint32_t field_lines_max) {
    const uint8_t *end = data + count;
    for (;;) {
        const uint8_t *line = data + head->line;
        const uint8_t *stop = CHTTP_FN(field_end)(data + head->scanned, end);
        head->scanned = (uint32_t)(stop - data);
        if (stop == end) return CHTTP_INCOMPLETE;
        if (*stop != '\r') return *stop == '\n' ? CHTTP_BARE_LF : CHTTP_CONTROL_BYTE;
        if (stop + 1 == end) return CHTTP_INCOMPLETE;
        if (stop[1] != '\n') return CHTTP_BARE_CR;
        head->line = head->scanned = (uint32_t)(stop + 2 - data);

        uint8_t fault;
        if (head->fields_start != 0) {
            if (stop == line) return chttp_finish_head(head);
            fault = CHTTP_FN(read_field_line)(head, data, line, stop, end, field_lines_max);
        } else if (stop == line) {
            fault = ++head->empty_lines > CHTTP_EMPTY_LINES_MAX ? CHTTP_EMPTY_LINES : 0;
        } else {
            fault = CHTTP_FN(read_request_line)(head, data, line, stop, end);
            head->fields_start = head->line;
        }
        if (fault != 0) return fault;
    }
}
