// What libcurl can do on one thread: a multi handle driven by epoll that repeats recorded requests, so many at
// a time, until it is told to stop. Nothing is read, decided or remembered beyond the answers' statuses.
//
//   cc -O2 -o multi multi.c -lcurl
//   ./multi URL CONCURRENCY HEADERS-FILE BODIES-FILE [CA-FILE]
//
// Headers stand one to a line, bodies too. Options are those of the gateway's own driver. SIGTERM ends it; it
// then prints a JSON object. Any other answer than a 2xx ends it with an error.
#include <curl/curl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { BODIES_MAX = 4096, CONCURRENCY_MAX = 1024, READY_MAX = 256 };

static char *bodies[BODIES_MAX];
static size_t lengths[BODIES_MAX];
static int body_count;
static long requests, timeout_milliseconds = -1;
static int poller;
static CURLM *multi;
static volatile sig_atomic_t stopped;

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static int watch(CURL *easy, curl_socket_t socket, int what, void *context, void *known) {
    (void)easy, (void)context;
    struct epoll_event event = {.data.fd = socket};
    if (what & CURL_POLL_IN) event.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(poller, EPOLL_CTL_DEL, socket, NULL);
    } else {
        epoll_ctl(poller, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, socket, &event);
        curl_multi_assign(multi, socket, &poller);
    }
    return 0;
}

static int set_timer(CURLM *handle, long milliseconds, void *context) {
    (void)handle, (void)context;
    timeout_milliseconds = milliseconds;
    return 0;
}

static size_t drop(char *data, size_t size, size_t count, void *context) {
    (void)data, (void)context;
    return size * count;
}

static void start(CURL *easy) {
    static int next;
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)lengths[next]);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, bodies[next]);
    next = (next + 1) % body_count;
    curl_multi_add_handle(multi, easy);
}

static void take_finished(void) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(multi, &left))) {
        if (message->msg != CURLMSG_DONE) continue;
        CURL *easy = message->easy_handle;
        CURLcode code = message->data.result;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (code != CURLE_OK || status < 200 || status > 299) {
            fprintf(stderr, "multi: %s, status %ld\n", curl_easy_strerror(code), status);
            exit(1);
        }
        requests++;
        curl_multi_remove_handle(multi, easy);
        start(easy);
    }
}

static CURL *make(const char *url, struct curl_slist *headers, const char *ca_file) {
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, ca_file ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 10000L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    if (ca_file) curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    return easy;
}

// The lines of a file, without their ends.
static int read_lines(const char *path, char **lines, size_t *sizes, int max) {
    FILE *file = fopen(path, "r");
    int count = 0;
    size_t room = 0;
    ssize_t length;
    while (file && count < max && (lines[count] = NULL, room = 0, length = getline(&lines[count], &room, file)) > 0) {
        if (lines[count][length - 1] == '\n') lines[count][--length] = 0;
        if (sizes) sizes[count] = length;
        count++;
    }
    if (file) fclose(file);
    return count;
}

int main(int argc, char **argv) {
    char *lines[64];
    int header_count = argc >= 5 ? read_lines(argv[3], lines, NULL, 64) : 0;
    if (argc >= 5) body_count = read_lines(argv[4], bodies, lengths, BODIES_MAX);
    int concurrency = argc >= 5 ? atoi(argv[2]) : 0;
    if (body_count < 1 || concurrency < 1 || concurrency > CONCURRENCY_MAX) {
        fprintf(stderr, "usage: multi URL CONCURRENCY HEADERS-FILE BODIES-FILE [CA-FILE]\n");
        return 64;
    }
    struct sigaction action = {.sa_handler = stop};
    sigaction(SIGTERM, &action, NULL);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    poller = epoll_create1(0);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, watch);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)concurrency);
    curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)concurrency);
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    for (int i = 0; i < header_count; i++) headers = curl_slist_append(headers, lines[i]);
    for (int i = 0; i < concurrency; i++) start(make(argv[1], headers, argc > 5 ? argv[5] : NULL));

    int running = 0;
    while (!stopped) {
        struct epoll_event ready[READY_MAX];
        int wait = timeout_milliseconds < 0 || timeout_milliseconds > 1000 ? 1000 : (int)timeout_milliseconds;
        int count = epoll_wait(poller, ready, READY_MAX, wait);
        for (int i = 0; i < count; i++) {
            int mask = (ready[i].events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
                       (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                       (ready[i].events & EPOLLERR ? CURL_CSELECT_ERR : 0);
            curl_multi_socket_action(multi, ready[i].data.fd, mask, &running);
        }
        if (timeout_milliseconds == 0 || count == 0) {
            timeout_milliseconds = -1;
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
        }
        take_finished();
    }
    printf("{\"requests\":%ld}\n", requests);
    return 0;
}
