/*
 * Ends the process by SIGKILL before its Nth write at a place of a file (LOGCALLD_KILL_AT_WRITE), or before its Nth sync
 * (LOGCALLD_KILL_AT_SYNC), and counts both, as two numbers of 8 bytes in the file LOGCALLD_KILL_COUNTS. To be loaded before the C library
 * (LD_PRELOAD). strace can inject the same, but stops the process at each of all its system calls.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { WRITES, SYNCS, KINDS };
static const char *const names[KINDS] = {"LOGCALLD_KILL_AT_WRITE", "LOGCALLD_KILL_AT_SYNC"};
static unsigned long own[KINDS];
static unsigned long *counts = own;
static unsigned long last[KINDS];

__attribute__((constructor)) static void begin(void) {
  for (int kind = 0; kind < KINDS; kind++) {
    const char *text = getenv(names[kind]);
    last[kind] = text == NULL ? 0 : strtoul(text, NULL, 10);
  }
  const char *path = getenv("LOGCALLD_KILL_COUNTS");
  if (path == NULL) return;
  int file = open(path, O_RDWR | O_CREAT, 0600);
  if (file < 0 || ftruncate(file, sizeof own) != 0) abort();
  counts = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (counts == MAP_FAILED) abort();
  close(file);
}

static void count(int kind) {
  if (__atomic_add_fetch(&counts[kind], 1, __ATOMIC_SEQ_CST) != last[kind]) return;
  kill(getpid(), SIGKILL);
  for (;;) pause();
}

typedef ssize_t (*writer)(int, const void *, size_t, off64_t);
typedef int (*syncer)(int);

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
  count(WRITES);
  return ((writer)dlsym(RTLD_NEXT, "pwrite64"))(file, bytes, length, at);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) {
  count(WRITES);
  return ((writer)dlsym(RTLD_NEXT, "pwrite64"))(file, bytes, length, at);
}

int fsync(int file) {
  count(SYNCS);
  return ((syncer)dlsym(RTLD_NEXT, "fsync"))(file);
}

int fdatasync(int file) {
  count(SYNCS);
  return ((syncer)dlsym(RTLD_NEXT, "fdatasync"))(file);
}
