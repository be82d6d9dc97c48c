#define _GNU_SOURCE
#include "CLinuxIO.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

_Static_assert(CLIO_READABLE == (int)EPOLLIN && CLIO_WRITABLE == (int)EPOLLOUT, "epoll flags");
_Static_assert(CLIO_ERROR == (int)EPOLLERR && CLIO_HANGUP == (int)EPOLLHUP, "epoll flags");
_Static_assert(CLIO_PEER_FINISHED == (int)EPOLLRDHUP, "epoll flags");
_Static_assert(CLIO_EXCLUSIVE == (uint32_t)EPOLLEXCLUSIVE, "epoll flags");
_Static_assert(CLIO_EDGE_TRIGGERED == (uint32_t)EPOLLET, "epoll flags");
_Static_assert(sizeof(pthread_t) <= sizeof(uint64_t), "thread handle");

static int result(int value) { return value < 0 ? -errno : value; }

int clio_close(int fd) {
  // close(2): "Retrying the close() after a failure return is the wrong thing to do".
  return result(close(fd));
}

// ---- epoll ----

static int control(int epoll, int operation, int fd, uint32_t flags, uint64_t token) {
  struct epoll_event event = {.events = flags, .data.u64 = token};
  return result(epoll_ctl(epoll, operation, fd, &event));
}

int clio_epoll_create(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }

int clio_epoll_add(int epoll, int fd, uint32_t flags, uint64_t token) {
  return control(epoll, EPOLL_CTL_ADD, fd, flags, token);
}

int clio_epoll_modify(int epoll, int fd, uint32_t flags, uint64_t token) {
  return control(epoll, EPOLL_CTL_MOD, fd, flags, token);
}

int clio_epoll_remove(int epoll, int fd) { return control(epoll, EPOLL_CTL_DEL, fd, 0, 0); }

#if defined(__x86_64__)
// On x86-64 the kernel's epoll_event is packed, so events are written straight to the caller.
_Static_assert(sizeof(clio_event) == sizeof(struct epoll_event), "event layout");

int clio_epoll_wait(int epoll, clio_event *events, int count, int milliseconds) {
  int n = epoll_wait(epoll, (struct epoll_event *)events, count, milliseconds);
  return n < 0 ? (errno == EINTR ? 0 : -errno) : n;
}
#else
int clio_epoll_wait(int epoll, clio_event *events, int count, int milliseconds) {
  struct epoll_event native[128];
  int room = count < 128 ? count : 128;
  int n = epoll_wait(epoll, native, room, milliseconds);
  if (n < 0) return errno == EINTR ? 0 : -errno;
  for (int i = 0; i < n; i++) {
    events[i].flags = native[i].events;
    events[i].token = native[i].data.u64;
  }
  return n;
}
#endif

int clio_epoll_wait_precise(int epoll, clio_event *events, int count, uint64_t nanoseconds) {
  struct timespec limit = {.tv_sec = (time_t)(nanoseconds / 1000000000u),
                           .tv_nsec = (long)(nanoseconds % 1000000000u)};
  // epoll_pwait2 is younger than the oldest kernel we run on; an epoll descriptor can itself be polled.
  struct pollfd entry = {.fd = epoll, .events = POLLIN};
  int n = ppoll(&entry, 1, &limit, NULL);
  if (n < 0) return errno == EINTR ? 0 : -errno;
  return n == 0 ? 0 : clio_epoll_wait(epoll, events, count, 0);
}

// ---- eventfd, timerfd, poll ----

int clio_eventfd(void) { return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int clio_eventfd_signal(int fd) {
  uint64_t one = 1;
  ssize_t n;
  do n = write(fd, &one, sizeof one);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : 0;
}

int clio_eventfd_drain(int fd) {
  uint64_t value;
  ssize_t n;
  do n = read(fd, &value, sizeof value);
  while (n < 0 && errno == EINTR);
  return n > 0;
}

int clio_timerfd(void) {
  return result(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
}

int clio_timerfd_set(int fd, uint64_t nanoseconds) {
  struct itimerspec setting = {.it_value = {.tv_sec = (time_t)(nanoseconds / 1000000000u),
                                            .tv_nsec = (long)(nanoseconds % 1000000000u)}};
  return result(timerfd_settime(fd, 0, &setting, NULL));
}

static int wait_for(int fd, short events, int milliseconds) {
  struct pollfd entry = {.fd = fd, .events = events};
  int n = poll(&entry, 1, milliseconds);
  if (n < 0) return errno == EINTR ? 0 : -errno;
  return n;
}

int clio_wait_readable(int fd, int milliseconds) { return wait_for(fd, POLLIN, milliseconds); }
int clio_wait_writable(int fd, int milliseconds) { return wait_for(fd, POLLOUT, milliseconds); }

// ---- Sockets ----

typedef union {
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
} socket_address;

static socklen_t to_native(const clio_address *address, socket_address *native) {
  memset(native, 0, sizeof *native);
  if (address->is_v6) {
    native->v6.sin6_family = AF_INET6;
    native->v6.sin6_port = htons(address->port);
    native->v6.sin6_scope_id = address->scope;
    memcpy(&native->v6.sin6_addr, address->bytes, 16);
    return sizeof native->v6;
  }
  native->v4.sin_family = AF_INET;
  native->v4.sin_port = htons(address->port);
  memcpy(&native->v4.sin_addr, address->bytes, 4);
  return sizeof native->v4;
}

static int from_native(const struct sockaddr *native, clio_address *address) {
  memset(address, 0, sizeof *address);
  if (native->sa_family == AF_INET6) {
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)native;
    address->is_v6 = 1;
    address->port = ntohs(v6->sin6_port);
    address->scope = v6->sin6_scope_id;
    memcpy(address->bytes, &v6->sin6_addr, 16);
    return 0;
  }
  if (native->sa_family == AF_INET) {
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)native;
    address->port = ntohs(v4->sin_port);
    memcpy(address->bytes, &v4->sin_addr, 4);
    return 0;
  }
  return -EAFNOSUPPORT;
}

static int set_option(int fd, int level, int name, int value) {
  return result(setsockopt(fd, level, name, &value, sizeof value));
}

static int open_stream(const clio_address *address) {
  int family = address->is_v6 ? AF_INET6 : AF_INET;
  return result(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
}

int clio_listen(const clio_address *address, int reuse_port, int backlog) {
  int fd = open_stream(address);
  if (fd < 0) return fd;
  socket_address native;
  socklen_t length = to_native(address, &native);
  int error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (error >= 0 && reuse_port) error = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
  if (error >= 0 && address->is_v6) error = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  if (error >= 0) error = set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (error >= 0) error = result(bind(fd, &native.any, length));
  if (error >= 0) error = result(listen(fd, backlog));
  if (error < 0) {
    close(fd);
    return error;
  }
  return fd;
}

int clio_local_port(int fd) {
  socket_address native;
  socklen_t length = sizeof native;
  if (getsockname(fd, &native.any, &length) < 0) return -errno;
  clio_address address;
  int error = from_native(&native.any, &address);
  return error < 0 ? error : address.port;
}

int clio_connect_begin(const clio_address *address) {
  int fd = open_stream(address);
  if (fd < 0) return fd;
  socket_address native;
  socklen_t length = to_native(address, &native);
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (connect(fd, &native.any, length) == 0 || errno == EINPROGRESS) return fd;
  int error = errno;
  close(fd);
  return -error;
}

int clio_connect_result(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0) return -errno;
  return -error;
}

int clio_connect(const clio_address *address) {
  int fd = clio_connect_begin(address);
  if (fd < 0) return fd;
  struct pollfd entry = {.fd = fd, .events = POLLOUT};
  while (poll(&entry, 1, 5000) < 0 && errno == EINTR) {
  }
  int error = entry.revents ? clio_connect_result(fd) : -ETIMEDOUT;
  if (error == 0) return fd;
  close(fd);
  return error;
}

int clio_accept(int fd, clio_address *peer) {
  socket_address native;
  int accepted;
  do {
    socklen_t length = sizeof native;
    accepted = accept4(fd, &native.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (accepted < 0 && errno == EINTR);
  if (accepted < 0) return -errno;
  from_native(&native.any, peer);
  return accepted;
}

// The bare system calls: the C library's wrappers are cancellation points, which costs a threaded
// program more than the rest of the call's user side. No thread of ours is ever cancelled.
ptrdiff_t clio_receive(int fd, void *buffer, size_t count) {
  ssize_t n;
  do n = syscall(SYS_recvfrom, fd, buffer, count, MSG_DONTWAIT, NULL, NULL);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

ptrdiff_t clio_send(int fd, const void *bytes, size_t count) {
  ssize_t n;
  do n = syscall(SYS_sendto, fd, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

int clio_shutdown_write(int fd) { return result(shutdown(fd, SHUT_WR)); }
int clio_shutdown_both(int fd) { return result(shutdown(fd, SHUT_RDWR)); }

int clio_reset_on_close(int fd) {
  struct linger linger = {.l_onoff = 1, .l_linger = 0};
  return result(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
}

int clio_set_send_buffer(int fd, int bytes) {
  return set_option(fd, SOL_SOCKET, SO_SNDBUF, bytes);
}

int clio_set_receive_buffer(int fd, int bytes) {
  return set_option(fd, SOL_SOCKET, SO_RCVBUF, bytes);
}

int clio_defer_accept(int fd, int seconds) {
  return set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, seconds);
}

int clio_resolve(const char *host, uint16_t port, clio_address *addresses, int count) {
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  int error = getaddrinfo(host, NULL, &hints, &list);
  if (error != 0) return error < 0 ? error : -error;
  int found = 0;
  for (struct addrinfo *entry = list; entry && found < count; entry = entry->ai_next) {
    clio_address address;
    if (from_native(entry->ai_addr, &address) < 0) continue;
    address.port = port;
    // A hosts file may name an address twice; binding it twice would fail.
    int known = 0;
    for (int i = 0; i < found; i++) known |= memcmp(&addresses[i], &address, sizeof address) == 0;
    if (!known) addresses[found++] = address;
  }
  freeaddrinfo(list);
  return found;
}

const char *clio_resolve_message(int code) { return gai_strerror(code); }

int clio_parse_numeric(const char *text, clio_address *address) {
  memset(address, 0, sizeof *address);
  if (inet_pton(AF_INET, text, address->bytes) == 1) return 0;
  if (inet_pton(AF_INET6, text, address->bytes) == 1) {
    address->is_v6 = 1;
    return 0;
  }
  return -EINVAL;
}

int clio_format_address(const clio_address *address, char *text, int capacity) {
  int family = address->is_v6 ? AF_INET6 : AF_INET;
  if (!inet_ntop(family, address->bytes, text, (socklen_t)capacity)) return -errno;
  return (int)strlen(text);
}

// ---- Clocks ----

static int64_t read_clock(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t clio_monotonic_nanoseconds(void) { return read_clock(CLOCK_MONOTONIC); }
int64_t clio_monotonic_coarse_nanoseconds(void) { return read_clock(CLOCK_MONOTONIC_COARSE); }
int64_t clio_wall_nanoseconds(void) { return read_clock(CLOCK_REALTIME); }

// ---- Threads and signals ----

typedef struct {
  void (*body)(void *);
  void *argument;
  char name[16];
} start_order;

static void *run_thread(void *raw) {
  start_order order = *(start_order *)raw;
  free(raw);
  pthread_setname_np(pthread_self(), order.name);
  order.body(order.argument);
  return NULL;
}

int clio_thread_start(const char *name, void (*body)(void *), void *argument, uint64_t *thread) {
  start_order *order = calloc(1, sizeof *order);
  if (!order) return -ENOMEM;
  order->body = body;
  order->argument = argument;
  // pthread_setname_np(3): at most 16 characters, including the terminating null byte.
  strncpy(order->name, name, sizeof order->name - 1);
  pthread_t handle;
  int error = pthread_create(&handle, NULL, run_thread, order);
  if (error != 0) {
    free(order);
    return -error;
  }
  *thread = 0;
  memcpy(thread, &handle, sizeof handle);
  return 0;
}

static pthread_t native_thread(uint64_t thread) {
  pthread_t handle;
  memcpy(&handle, &thread, sizeof handle);
  return handle;
}

int clio_thread_join(uint64_t thread) { return -pthread_join(native_thread(thread), NULL); }

uint64_t clio_thread_current(void) {
  pthread_t handle = pthread_self();
  uint64_t thread = 0;
  memcpy(&thread, &handle, sizeof handle);
  return thread;
}

int clio_thread_signal(uint64_t thread, int signal) {
  return -pthread_kill(native_thread(thread), signal);
}

static void do_nothing(int signal) { (void)signal; }

int clio_install_empty_handler(int signal) {
  struct sigaction action = {.sa_handler = do_nothing};
  return result(sigaction(signal, &action, NULL));
}

int clio_thread_exact_timers(void) { return result(prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL)); }

int clio_thread_pin(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  return -pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

int clio_allowed_cpus(int *cpus, int count) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) < 0) return -errno;
  int found = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE && found < count; cpu++)
    if (CPU_ISSET(cpu, &set)) cpus[found++] = cpu;
  return found;
}

static void termination_set(sigset_t *set) {
  sigemptyset(set);
  sigaddset(set, SIGTERM);
  sigaddset(set, SIGINT);
}

int clio_signals_block(void) {
  sigset_t set;
  termination_set(&set);
  signal(SIGPIPE, SIG_IGN);
  // setrlimit(2), RLIMIT_FSIZE: "Attempts to extend a file beyond this limit result in delivery of a
  // SIGXFSZ signal"; ignored, write(2) fails with EFBIG, which is answered like a full disk.
  signal(SIGXFSZ, SIG_IGN);
  return -pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int clio_signals_wait(int milliseconds) {
  sigset_t set;
  termination_set(&set);
  struct timespec limit = {.tv_sec = milliseconds / 1000,
                           .tv_nsec = (long)(milliseconds % 1000) * 1000000};
  int signal = sigtimedwait(&set, NULL, milliseconds < 0 ? NULL : &limit);
  if (signal > 0) return signal;
  return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

// ---- Disks for drills ----

static int write_text(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -errno;
  ssize_t count = write(fd, text, strlen(text));
  int error = count < 0 ? -errno : 0;
  close(fd);
  return error;
}

int clio_private_mounts(void) {
  if (unshare(CLONE_NEWNS) != 0) {
    char text[64];
    unsigned user = geteuid(), group = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return -errno;
    // user_namespaces(7): without CAP_SETGID outside, setgroups(2) must be given up before gid_map can be
    // written.
    int error = write_text("/proc/self/setgroups", "deny");
    if (error != 0) return error;
    snprintf(text, sizeof text, "0 %u 1", user);
    if ((error = write_text("/proc/self/uid_map", text)) != 0) return error;
    snprintf(text, sizeof text, "0 %u 1", group);
    if ((error = write_text("/proc/self/gid_map", text)) != 0) return error;
  }
  // mount_namespaces(7): where "/" is shared, a mount made here would show up outside.
  return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : -errno;
}

int clio_mount_memory(const char *path, uint64_t bytes) {
  char options[64];
  snprintf(options, sizeof options, "size=%llu,mode=0700", (unsigned long long)bytes);
  return mount("sluice-drill", path, "tmpfs", MS_NOSUID | MS_NODEV, options) == 0 ? 0 : -errno;
}

int clio_unmount(const char *path) { return umount2(path, MNT_DETACH) == 0 ? 0 : -errno; }

int clio_limit_file_size(int pid, uint64_t bytes) {
  struct rlimit limit;
  if (prlimit(pid, RLIMIT_FSIZE, NULL, &limit) != 0) return -errno;
  limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
  return prlimit(pid, RLIMIT_FSIZE, &limit, NULL) == 0 ? 0 : -errno;
}
