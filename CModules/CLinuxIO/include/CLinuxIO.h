// The Linux calls SluiceIO needs, as plain functions.
//
// Every function that can fail returns a negative errno and never touches the caller's errno;
// calls interrupted by a signal are repeated unless the comment says otherwise. No function keeps
// state or allocates, except where it says so.
#pragma once

#include <stddef.h>
#include <stdint.h>

// ---- Descriptors ----

int clio_close(int fd);

// ---- epoll ----

// One readiness report; the layout is struct epoll_event's, checked in the .c file.
typedef struct clio_event {
  uint32_t flags;
  uint64_t token;
} __attribute__((packed)) clio_event;

enum {
  CLIO_READABLE = 0x001,        // EPOLLIN
  CLIO_WRITABLE = 0x004,        // EPOLLOUT
  CLIO_ERROR = 0x008,           // EPOLLERR
  CLIO_HANGUP = 0x010,          // EPOLLHUP
  CLIO_PEER_FINISHED = 0x2000,  // EPOLLRDHUP
};
#define CLIO_EXCLUSIVE 0x10000000u       // EPOLLEXCLUSIVE
#define CLIO_EDGE_TRIGGERED 0x80000000u  // EPOLLET

int clio_epoll_create(void);
int clio_epoll_add(int epoll, int fd, uint32_t flags, uint64_t token);
int clio_epoll_modify(int epoll, int fd, uint32_t flags, uint64_t token);
int clio_epoll_remove(int epoll, int fd);
// The number of events; 0 also when a signal interrupted the wait. milliseconds < 0: no limit.
int clio_epoll_wait(int epoll, clio_event *events, int count, int milliseconds);
// The same with a finer limit; a call more where something has to be waited for.
int clio_epoll_wait_precise(int epoll, clio_event *events, int count, uint64_t nanoseconds);

// ---- eventfd, timerfd, poll ----

int clio_eventfd(void);
int clio_eventfd_signal(int fd);
// Resets the counter; 0 when it was 0 already.
int clio_eventfd_drain(int fd);
int clio_timerfd(void);
// One expiry after `nanoseconds`, or none for 0; replaces an earlier setting.
int clio_timerfd_set(int fd, uint64_t nanoseconds);
// 1: readable, 0: timeout or a signal. milliseconds < 0: no limit.
int clio_wait_readable(int fd, int milliseconds);
// The same for room to write.
int clio_wait_writable(int fd, int milliseconds);

// ---- Sockets ----

// An address of the Internet, as much of it as the gateway keeps. IPv4 uses the first four bytes.
typedef struct clio_address {
  uint8_t bytes[16];
  uint32_t scope;
  uint16_t port;   // host byte order
  uint8_t is_v6;
} clio_address;

// A bound and listening stream socket, non-blocking, close-on-exec, TCP_NODELAY (which accepted
// sockets inherit). reuse_port: SO_REUSEPORT, one listener per shard.
int clio_listen(const clio_address *address, int reuse_port, int backlog);
int clio_local_port(int fd);
// A connected non-blocking socket for tests and local clients.
int clio_connect(const clio_address *address);
// The same without waiting: the socket becomes writable once it is connected, or has failed.
int clio_connect_begin(const clio_address *address);
// What became of it, once it is writable: 0, or a negative errno.
int clio_connect_result(int fd);
// Next connection, non-blocking and close-on-exec. -EAGAIN when none waits.
int clio_accept(int fd, clio_address *peer);
ptrdiff_t clio_receive(int fd, void *buffer, size_t count);
// Never raises SIGPIPE, never blocks.
ptrdiff_t clio_send(int fd, const void *bytes, size_t count);
int clio_shutdown_write(int fd);
// Both directions: wakes a thread that waits on the descriptor.
int clio_shutdown_both(int fd);
// Close will then send RST instead of FIN.
int clio_reset_on_close(int fd);
int clio_set_send_buffer(int fd, int bytes);
int clio_set_receive_buffer(int fd, int bytes);
// TCP_DEFER_ACCEPT: a connection is reported once its first data is there, or after `seconds`.
int clio_defer_accept(int fd, int seconds);
// Resolves a host name; writes up to `count` addresses, returns how many, or a negative EAI_ code.
int clio_resolve(const char *host, uint16_t port, clio_address *addresses, int count);
const char *clio_resolve_message(int code);
// Parses numeric text of either family; 0 or -EINVAL.
int clio_parse_numeric(const char *text, clio_address *address);
// Writes the text form without the port; returns its length.
int clio_format_address(const clio_address *address, char *text, int capacity);

// ---- Clocks ----

int64_t clio_monotonic_nanoseconds(void);
// Cheaper, a few milliseconds behind (CLOCK_MONOTONIC_COARSE).
int64_t clio_monotonic_coarse_nanoseconds(void);
int64_t clio_wall_nanoseconds(void);

// ---- Threads and signals ----

// Starts a joinable thread. Allocates until the thread runs.
int clio_thread_start(const char *name, void (*body)(void *), void *argument, uint64_t *thread);
int clio_thread_join(uint64_t thread);
uint64_t clio_thread_current(void);
// Sends a signal to one thread; for tests of interrupted calls.
int clio_thread_signal(uint64_t thread, int signal);
// Installs a handler that does nothing, without SA_RESTART; for tests of interrupted calls.
int clio_install_empty_handler(int signal);
// Lets the calling thread's waits end when they should, not up to 50 us later (PR_SET_TIMERSLACK).
int clio_thread_exact_timers(void);
// Binds the calling thread to one CPU.
int clio_thread_pin(int cpu);
// Writes the numbers of the CPUs the process may use; returns how many.
int clio_allowed_cpus(int *cpus, int count);
// Blocks SIGTERM and SIGINT in this thread and all it starts later; ignores SIGPIPE and SIGXFSZ.
int clio_signals_block(void);
// The SIGTERM or SIGINT that came, or 0 after `milliseconds` (< 0: no limit).
int clio_signals_wait(int milliseconds);

// ---- Disks for drills ----

// Gives the calling process mounts of its own, which its children share and nobody else sees: by a mount
// namespace, where that is not permitted within a new user namespace. To be called while the process has
// one thread.
int clio_private_mounts(void);
// Mounts an empty file system in memory, of that size, on the folder.
int clio_mount_memory(const char *path, uint64_t bytes);
int clio_unmount(const char *path);
// The most bytes a file may have that the process `pid` writes to (RLIMIT_FSIZE, soft); UINT64_MAX: as many
// as its hard limit allows.
int clio_limit_file_size(int pid, uint64_t bytes);
