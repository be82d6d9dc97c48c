// The limit: one thread, one epoll loop, a fixed 204 for every request, no parsing beyond finding
// where a request ends. What a server on this kernel cannot do with less.
//
//   cc -O2 -o bare bare.c && ./bare [PORT]      prints the port; without one, the kernel chooses it
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_BYTES = 65536, EVENTS_MAX = 256 };

static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";

// Answers every whole request in the buffer (head, then Content-Length bytes of body) in one send.
// A request that arrives in parts is not supported: the load generator sends each in one write.
static void serve(int connection) {
    static char in[BUFFER_BYTES + 1], out[BUFFER_BYTES];
    ssize_t got = recv(connection, in, BUFFER_BYTES, 0);
    if (got <= 0) {
        if (got == 0 || (errno != EAGAIN && errno != EINTR)) close(connection);
        return;
    }
    in[got] = 0;
    size_t sent = 0;
    char *at = in;
    while (at < in + got) {
        char *end = strstr(at, "\r\n\r\n");
        if (!end) break;
        char *length = strcasestr(at, "content-length:");
        at = end + 4 + (length && length < end ? strtoul(length + 15, NULL, 10) : 0);
        if (sent + sizeof answer > sizeof out) break;
        memcpy(out + sent, answer, sizeof answer - 1);
        sent += sizeof answer - 1;
    }
    if (sent && send(connection, out, sent, MSG_NOSIGNAL) < 0) close(connection);
}

int main(int argc, char **argv) {
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 4096)) {
        perror("bare");
        return 1;
    }
    socklen_t size = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    int poll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener}, ready[EVENTS_MAX];
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int count = epoll_wait(poll, ready, EVENTS_MAX, -1);
        for (int i = 0; i < count; i++) {
            if (ready[i].data.fd != listener) {
                serve(ready[i].data.fd);
                continue;
            }
            int connection;
            while ((connection = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                event = (struct epoll_event){.events = EPOLLIN, .data.fd = connection};
                epoll_ctl(poll, EPOLL_CTL_ADD, connection, &event);
            }
        }
    }
}
