// An SQLite VFS over the system's own that tells a watcher of everything that changes files under
// watched folders, before it happens, and lets it fail. Files elsewhere go to the system's VFS as if this
// one were not there.
#pragma once

enum {
  CTORNVFS_OPEN = 1,      // bytes NULL; count: the flags of xOpen
  CTORNVFS_WRITE = 2,     // offset, bytes, count
  CTORNVFS_TRUNCATE = 3,  // offset: the new size
  CTORNVFS_SYNC = 4,      // count: 1 when the call syncs the file's folder, too
  CTORNVFS_DELETE = 5,    // count: 1 when the call syncs the file's folder, too
};

// What a watcher hears. `file` is what it answered with at CTORNVFS_OPEN; of a deletion, 0.
typedef struct ctornvfs_event {
  int operation;
  const char *path;
  long long file;
  long long offset;
  const void *bytes;
  int count;
} ctornvfs_event;

// Answers 0, and the operation takes place, or an SQLite result code, with which it fails. At OPEN the
// answer is instead the file's number, from 1, or a negated result code. A failing WRITE may store in
// `done` how many bytes of it reach the file all the same.
typedef long long (*ctornvfs_watcher)(void *context, const ctornvfs_event *event, int *done);

// Makes this VFS the default of the process, once. Returns an SQLite result code. Connections opened
// earlier are not affected.
int ctornvfs_install(void);

// Watches the files below `root`, an absolute path without symbolic links and without a slash at the end.
// Returns a number for `ctornvfs_unwatch`, or -1 when too many are watched.
int ctornvfs_watch(const char *root, ctornvfs_watcher watcher, void *context);

// Files that are still open stay with this VFS and are not told of any more.
void ctornvfs_unwatch(int number);
