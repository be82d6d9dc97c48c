#include "CTornVFS.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// ---- Who watches what ----

enum { ROOTS_MAX = 64 };

typedef struct root {
  char *path;
  ctornvfs_watcher watcher;
  void *context;
} root;

// Guards `roots` and is held while a watcher runs, so that it is not told after `ctornvfs_unwatch`.
static pthread_mutex_t roots_lock = PTHREAD_MUTEX_INITIALIZER;
static root roots[ROOTS_MAX];
static sqlite3_vfs *inner;  // set once, before `outer` is registered
static sqlite3_vfs outer;

// The number of the root `path` lies under, or -1. With the lock held.
static int find_root(const char *path) {
  for (int i = 0; i < ROOTS_MAX; i++) {
    if (roots[i].path == NULL) continue;
    size_t length = strlen(roots[i].path);
    if (strncmp(path, roots[i].path, length) == 0 && path[length] == '/') return i;
  }
  return -1;
}

int ctornvfs_watch(const char *path, ctornvfs_watcher watcher, void *context) {
  int number = -1;
  pthread_mutex_lock(&roots_lock);
  for (int i = 0; i < ROOTS_MAX && number < 0; i++) {
    if (roots[i].path != NULL) continue;
    roots[i] = (root){strdup(path), watcher, context};
    if (roots[i].path != NULL) number = i;
  }
  pthread_mutex_unlock(&roots_lock);
  return number;
}

void ctornvfs_unwatch(int number) {
  pthread_mutex_lock(&roots_lock);
  free(roots[number].path);
  roots[number] = (root){NULL, NULL, NULL};
  pthread_mutex_unlock(&roots_lock);
}

// ---- Files ----

typedef struct torn_file {
  sqlite3_file base;
  int root;
  // What the watcher called the file; -1: not watched any more.
  long long number;
  // The next sync makes the file's name durable, too.
  int syncs_folder;
  // Of xOpen: it "remains valid until xClose".
  const char *path;
  // The inner file, aligned as SQLite aligns its own.
  uint64_t space[];
} torn_file;

static sqlite3_file *inner_of(sqlite3_file *file) { return (sqlite3_file *)((torn_file *)file)->space; }

static long long tell(torn_file *file, ctornvfs_event event, int *done) {
  long long answer = 0;
  event.path = file->path;
  event.file = file->number;
  pthread_mutex_lock(&roots_lock);
  const root *r = &roots[file->root];
  // The slot may have passed to another root since: then the file is not below it.
  if (r->path != NULL && find_root(file->path) == file->root) answer = r->watcher(r->context, &event, done);
  pthread_mutex_unlock(&roots_lock);
  return answer;
}

static int torn_close(sqlite3_file *file) {
  sqlite3_file *f = inner_of(file);
  return f->pMethods != NULL ? f->pMethods->xClose(f) : SQLITE_OK;
}

static int torn_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
  sqlite3_file *f = inner_of(file);
  return f->pMethods->xRead(f, bytes, count, offset);
}

static int torn_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
  sqlite3_file *f = inner_of(file);
  int done = 0;
  ctornvfs_event event = {.operation = CTORNVFS_WRITE, .offset = offset, .bytes = bytes, .count = count};
  int code = (int)tell((torn_file *)file, event, &done);
  if (code == SQLITE_OK) return f->pMethods->xWrite(f, bytes, count, offset);
  if (done > 0) f->pMethods->xWrite(f, bytes, done, offset);
  return code;
}

static int torn_truncate(sqlite3_file *file, sqlite3_int64 size) {
  sqlite3_file *f = inner_of(file);
  ctornvfs_event event = {.operation = CTORNVFS_TRUNCATE, .offset = size};
  int code = (int)tell((torn_file *)file, event, NULL);
  return code != SQLITE_OK ? code : f->pMethods->xTruncate(f, size);
}

static int torn_sync(sqlite3_file *file, int flags) {
  (void)flags;  // Nothing real needs to be synced: what is durable is the watcher's to say.
  torn_file *t = (torn_file *)file;
  ctornvfs_event event = {.operation = CTORNVFS_SYNC, .count = t->syncs_folder};
  int code = (int)tell(t, event, NULL);
  if (code == SQLITE_OK) t->syncs_folder = 0;
  return code;
}

static int torn_file_size(sqlite3_file *file, sqlite3_int64 *size) {
  sqlite3_file *f = inner_of(file);
  return f->pMethods->xFileSize(f, size);
}

static int torn_lock(sqlite3_file *file, int level) {
  sqlite3_file *f = inner_of(file);
  return f->pMethods->xLock(f, level);
}

static int torn_unlock(sqlite3_file *file, int level) {
  sqlite3_file *f = inner_of(file);
  return f->pMethods->xUnlock(f, level);
}

static int torn_check_reserved_lock(sqlite3_file *file, int *result) {
  sqlite3_file *f = inner_of(file);
  return f->pMethods->xCheckReservedLock(f, result);
}

static int torn_file_control(sqlite3_file *file, int operation, void *argument) {
  // These would write behind the watcher's back, and are hints.
  if (operation == SQLITE_FCNTL_SIZE_HINT || operation == SQLITE_FCNTL_CHUNK_SIZE) return SQLITE_OK;
  if (operation == SQLITE_FCNTL_MMAP_SIZE) return SQLITE_NOTFOUND;
  sqlite3_file *f = inner_of(file);
  return f->pMethods->xFileControl(f, operation, argument);
}

static int torn_sector_size(sqlite3_file *file) {
  sqlite3_file *f = inner_of(file);
  return f->pMethods->xSectorSize(f);
}

static int torn_device_characteristics(sqlite3_file *file) {
  sqlite3_file *f = inner_of(file);
  return f->pMethods->xDeviceCharacteristics(f);
}

static int torn_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory) {
  sqlite3_file *f = inner_of(file);
  return f->pMethods->xShmMap(f, page, size, extend, memory);
}

static int torn_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
  sqlite3_file *f = inner_of(file);
  return f->pMethods->xShmLock(f, offset, count, flags);
}

static void torn_shm_barrier(sqlite3_file *file) {
  sqlite3_file *f = inner_of(file);
  f->pMethods->xShmBarrier(f);
}

static int torn_shm_unmap(sqlite3_file *file, int deletes) {
  sqlite3_file *f = inner_of(file);
  return f->pMethods->xShmUnmap(f, deletes);
}

// No memory mapping: it would be written without a call.
static const sqlite3_io_methods methods = {
    2,
    torn_close,
    torn_read,
    torn_write,
    torn_truncate,
    torn_sync,
    torn_file_size,
    torn_lock,
    torn_unlock,
    torn_check_reserved_lock,
    torn_file_control,
    torn_sector_size,
    torn_device_characteristics,
    torn_shm_map,
    torn_shm_lock,
    torn_shm_barrier,
    torn_shm_unmap,
    NULL,
    NULL,
};

// ---- The VFS ----

static int torn_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *file, int flags, int *out_flags) {
  (void)vfs;
  pthread_mutex_lock(&roots_lock);
  int number = path != NULL ? find_root(path) : -1;
  long long answer = 0;
  if (number >= 0) {
    ctornvfs_event event = {.operation = CTORNVFS_OPEN, .path = path, .count = flags};
    answer = roots[number].watcher(roots[number].context, &event, NULL);
  }
  pthread_mutex_unlock(&roots_lock);
  if (number < 0) return inner->xOpen(inner, path, file, flags, out_flags);
  file->pMethods = NULL;
  if (answer < 0) return (int)-answer;
  torn_file *t = (torn_file *)file;
  t->root = number;
  t->number = answer;
  t->path = path;
  // As os_unix.c has it: a new journal's or WAL's first sync includes its folder.
  int is_journal = (flags & (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)) != 0;
  t->syncs_folder = is_journal && (flags & SQLITE_OPEN_CREATE) != 0;
  int code = inner->xOpen(inner, path, inner_of(file), flags, out_flags);
  if (code == SQLITE_OK || inner_of(file)->pMethods != NULL) file->pMethods = &methods;
  return code;
}

static int torn_delete(sqlite3_vfs *vfs, const char *path, int syncs_folder) {
  (void)vfs;
  pthread_mutex_lock(&roots_lock);
  int number = find_root(path);
  int code = SQLITE_OK;
  if (number >= 0) {
    ctornvfs_event event = {.operation = CTORNVFS_DELETE, .path = path, .count = syncs_folder};
    code = (int)roots[number].watcher(roots[number].context, &event, NULL);
  }
  pthread_mutex_unlock(&roots_lock);
  return code != SQLITE_OK ? code : inner->xDelete(inner, path, number < 0 ? syncs_folder : 0);
}

static int torn_access(sqlite3_vfs *vfs, const char *path, int flags, int *result) {
  (void)vfs;
  return inner->xAccess(inner, path, flags, result);
}

static int torn_full_pathname(sqlite3_vfs *vfs, const char *path, int count, char *out) {
  (void)vfs;
  return inner->xFullPathname(inner, path, count, out);
}

static int torn_randomness(sqlite3_vfs *vfs, int count, char *out) {
  (void)vfs;
  return inner->xRandomness(inner, count, out);
}

static int torn_sleep(sqlite3_vfs *vfs, int microseconds) {
  (void)vfs;
  return inner->xSleep(inner, microseconds);
}

static int torn_current_time(sqlite3_vfs *vfs, double *now) {
  (void)vfs;
  return inner->xCurrentTime(inner, now);
}

static int torn_last_error(sqlite3_vfs *vfs, int count, char *text) {
  (void)vfs;
  return inner->xGetLastError(inner, count, text);
}

static int torn_current_time_64(sqlite3_vfs *vfs, sqlite3_int64 *now) {
  (void)vfs;
  return inner->xCurrentTimeInt64(inner, now);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int installed = SQLITE_ERROR;

static void install(void) {
  inner = sqlite3_vfs_find(NULL);
  if (inner == NULL || inner->iVersion < 2) return;
  outer.iVersion = 2;
  outer.szOsFile = (int)sizeof(torn_file) + inner->szOsFile;
  outer.mxPathname = inner->mxPathname;
  outer.zName = "ctornvfs";
  outer.xOpen = torn_open;
  outer.xDelete = torn_delete;
  outer.xAccess = torn_access;
  outer.xFullPathname = torn_full_pathname;
  outer.xRandomness = torn_randomness;
  outer.xSleep = torn_sleep;
  outer.xCurrentTime = torn_current_time;
  outer.xGetLastError = torn_last_error;
  outer.xCurrentTimeInt64 = torn_current_time_64;
  installed = sqlite3_vfs_register(&outer, 1);
}

int ctornvfs_install(void) {
  pthread_once(&once, install);
  return installed;
}
